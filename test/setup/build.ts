/** Before the tests: the bundles in dist/, which the command line's tests run, are those of the sources as they are. */
// @ts-expect-error a script of the build, in JavaScript
import { build } from "../../tools/build.js";

export default async function setup(): Promise<void> {
  await build({ types: false });
}
