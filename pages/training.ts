/** The page of `kiln train --dashboard` and `kiln report`: curves, filters, predictions. */
import { pageData } from "./data.ts";

document.body.append(JSON.stringify(pageData()));
