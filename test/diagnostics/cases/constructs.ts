import { image, model, relu, type Tensor } from "kiln";

class Block {}  // error KILN1002
enum Size { Small }  // error KILN1002
var old = 1;  // error KILN1002
const made = new Map();  // error KILN1002
const pattern = /a/;  // error KILN1002
const kind = typeof made;  // error KILN1002
const big = 10n;  // error KILN1002
const bits = 5 | 2;  // error KILN1002
const object = { method() {} };  // error KILN1002
const data = await fetch("https://example.com/weights");  // error KILN1002
export * from "./files/block";  // error KILN1002
async function later() {}  // error KILN1002
function* many() {}  // error KILN1002

const never = (x: Tensor, sizes: number[]) => {
  for (const key in sizes) x = relu(x);  // error KILN1002
  do x = relu(x); while (false);  // error KILN1002
  for (;;) x = relu(x);  // error KILN1002
  switch (sizes.length) { case 1: x = relu(x); }  // error KILN1002
  try { x = relu(x); } catch (e) { throw e; }  // error KILN1002, KILN1002
  sizes[0] = 3;  // error KILN1002
  const first = sizes?.length;  // error KILN1002
  return x;
};

export default model({ input: image(3, 8, 8) }, (x) => {
  console.log(x);  // error KILN1002
  const list = [1, 2, 3];
  list.push(4);  // error KILN1002
  const doubled = list.map((n) => 2 * n);  // error KILN1002
  const root = Math.sqrt(4);  // error KILN1002
  const rows = x.shape[0];  // error KILN1002
  const part = x[0];  // error KILN1002
  for (const n of list) { if (n > 1) break; }  // error KILN1002
  return relu(x);
});
