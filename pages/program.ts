/** The page of `kiln inspect --format html`: graph, passes, kernels, memory. */
import { pageData } from "./data.ts";

document.body.append(JSON.stringify(pageData()));
