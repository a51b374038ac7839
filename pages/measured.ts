/** The page of `kiln bench --report`: that of the program, and the times of its kernels. */
import { start } from "./program/app.ts";
import { TimesTab } from "./program/times.ts";

start([(view, selection) => new TimesTab(view, selection)]);
