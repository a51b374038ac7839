import { image, model, relu } from "kiln";

process.exit(3);  // error KILN1002

export default model({ input: image(3, 8, 8) }, (x) => {
  fetch("https://example.com");  // error KILN1002
  globalThis.process.exit(1);  // error KILN1002
  require("node:fs").rmSync("/", { recursive: true });  // error KILN1002
  return relu(x);
});
