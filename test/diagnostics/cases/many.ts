import { add, concat, conv2d, dense, dropout, flatten, image, maxPool2d, model, split } from "kiln";

/** Many mistakes; what follows from one is not reported again. */
export default model({ input: image(3, 32, 32), classes: 10 }, (x) => {
  const stem = conv2d(x, { chanels: 16, kernel: 3 });  // error KILN2002
  const wide = maxPool2d(stem, { kernel: 40 });  // error KILN2004
  const lost = add(wide, stem);
  const named = conv2d(wide, { channels: 8, kernel: 3, name: "twice" });
  const again = conv2d(lost, { channels: 0, kernel: 3, name: "twice" });  // error KILN2006, KILN2009
  const [a, b, c] = split(stem, { sections: 2, axis: 1 });  // error KILN1012
  const joined = concat([a, b, 3], { axis: 1 });  // error KILN2006
  const thin = dropout(joined, { rate: "half" });  // error KILN2006
  const odd = conv2d(stem, { channels: 15, kernel: 3, groups: 4 });  // error KILN2007
  const same = add(stem, x);  // error KILN2003
  const direct = dense(stem, { units: 10 });  // error KILN2008
  if (odd === undefined) {
    return unknownThing;  // error KILN1003
  }
  return dense(flatten(stem), { units: 100 });  // error KILN2011
});
