/** The page of `kiln inspect --format html`: graph, passes, memory, kernels. */
import { start } from "./program/app.ts";

start();
