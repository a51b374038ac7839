import { expect, test } from "vitest";
import { argmax, countCorrect, movingLoss, softmax, sumCrossEntropy } from "../../runtime/metrics.ts";

test("argmax: the first of equals, inside its row", () => {
  expect(argmax([1, 3, 3, 2])).toBe(1);
  expect(argmax([9, 1, 2, 9], 1, 2)).toBe(1);
});

test("accuracy counts as many rows as there are labels", () => {
  expect(countCorrect([1, 0, 0, 1, 5, 9], 2, [0, 1, 0])).toBe(2);
  expect(countCorrect([1, 0, 0, 1, 5, 9], 2, [0])).toBe(1); // padding is not counted
});

test("cross-entropy: ln of the number of classes where all are alike, finite for large logits", () => {
  expect(sumCrossEntropy([0, 0, 0, 0, 0, 0], 3, [0, 2])).toBeCloseTo(2 * Math.log(3), 12);
  expect(sumCrossEntropy([1000, 0], 2, [1])).toBeCloseTo(1000, 9);
  expect(sumCrossEntropy([1, 2, 3], 3, [0])).toBeCloseTo(-Math.log(softmax([1, 2, 3])[0]), 12);
});

test("softmax adds up to 1, also for large logits", () => {
  expect([...softmax([1000, 1000, -1000])]).toEqual([0.5, 0.5, 0]);
  expect(softmax([5, 1, 2, 3], 1, 3).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
});

test("the tutorial's moving loss", () => {
  expect(movingLoss(null, 2.3)).toBe(2.3);
  expect(movingLoss(2, 1)).toBeCloseTo(1.99, 12);
});
