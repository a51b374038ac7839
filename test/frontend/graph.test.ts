/** From calls to nodes: names, parameters, options, settings, locations. */
import { describe, expect, it } from "vitest";
import { body, graphOf, readText } from "./read.ts";

const read = (statements: string, options = {}) => graphOf(readText(body(statements), options));

describe("parameters", () => {
  it("are numbered per op in the order of evaluation; a named op takes no number", () => {
    const graph = read(`
      x = conv2d(conv2d(x, { channels: 1, kernel: 1 }), { channels: 2, kernel: 1, name: "stem" });
      x = batchNorm(conv2d(x, { channels: 3, kernel: 1, bias: false }));
      return dense(flatten(x), { units: 5 });`);
    expect(graph.states.map((s) => [s.value.name, s.value.type.shape.join("x"), s.role])).toEqual([
      ["conv2d_1.weight", "1x4x1x1", "parameter"],
      ["conv2d_1.bias", "1", "parameter"],
      ["stem.weight", "2x1x1x1", "parameter"],
      ["stem.bias", "2", "parameter"],
      ["conv2d_2.weight", "3x2x1x1", "parameter"],
      ["batchNorm_1.weight", "3", "parameter"],
      ["batchNorm_1.bias", "3", "parameter"],
      ["batchNorm_1.running_mean", "3", "statistic"],
      ["batchNorm_1.running_var", "3", "statistic"],
      ["dense_1.weight", "5x192", "parameter"],
      ["dense_1.bias", "5", "parameter"],
    ]);
  });

  it("with an automatic name that another op was given are refused", () => {
    const text = body(`x = conv2d(x, { channels: 1, kernel: 1, name: "conv2d_1" });
      return conv2d(x, { channels: 1, kernel: 1 });`);
    expect(readText(text).diagnostics.map((d) => d.code)).toEqual(["KILN2009"]);
  });
});

describe("nodes", () => {
  it("have every option, in stored form, and the model file's place", () => {
    const graph = read(
      "return maxPool2d(conv2d(x, { channels: 2, kernel: [3, 1], activation: 'relu' }), { kernel: 2 });",
    );
    const nodes = graph.nodes.map(({ op, options, location }) => [
      op,
      options,
      `${location?.line}:${location?.column}`,
    ]);
    expect(nodes).toEqual([
      ["conv2d", { channels: 2, kernel: [3, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }, "4:18"],
      ["relu", {}, "4:18"],
      ["maxPool2d", { kernel: [2, 2], stride: [2, 2], padding: [0, 0] }, "4:8"],
    ]);
    expect(graph.nodes[0].location?.file).toBe("model.ts");
  });

  it("have unique names", () => {
    const graph = read(`
      const [a, b] = split(x, { sections: 2, axis: 1 });
      const y = conv2d(a, { channels: 2, kernel: 1, name: "relu_1" });
      return concat([relu(y), relu(b)], { axis: 1 });`);
    const names = graph.nodes.flatMap((n) => Object.values(n.outputs)).map((v) => v.name);
    expect(names.length).toBe(6);
    expect(new Set([...names, ...graph.states.map((s) => s.value.name)]).size).toBe(8);
  });

  it("take what they are given: the output is that of the function", () => {
    const graph = read("const y = relu(x); relu(y); return y;");
    expect(graph.outputs).toEqual([{ name: "output", value: graph.nodes[0].outputs.y }]);
    expect(graph.nodes[1].inputs.x).toBe(graph.nodes[0].outputs.y);
    expect(graph.inputs[0].value.name).toBe("input");
  });
});

describe("settings", () => {
  const text = `import { conv2d, image, model } from "kiln";
    export default model({ input: image(1, 4, 4) }, (x, { width = 2, name: label = "stem", bias = true }) =>
      conv2d(x, { channels: 4 * width, kernel: 1, name: label, bias }));`;
  const states = (settings: Record<string, string | number | boolean>) =>
    graphOf(readText(text, { settings })).states.map((s) => `${s.value.name} ${s.value.type.shape[0]}`);

  it("replace defaults, text read as the default's type", () => {
    expect(states({})).toEqual(["stem.weight 8", "stem.bias 8"]);
    expect(states({ width: "3", name: "body", bias: "false" })).toEqual(["body.weight 12"]);
    expect(states({ width: 3, bias: false })).toEqual(["stem.weight 12"]);
  });

  it.each([
    [{ width: "much" }, "KILN1011"],
    [{ width: true }, "KILN1011"],
    [{ bias: "maybe" }, "KILN1011"],
    [{ widht: "3" }, "KILN1010"],
    [{ label: "x" }, "KILN1010"],
    [{ width: "0.3" }, "KILN2006"],
  ])("%j is %s", (settings, code) => {
    expect(readText(text, { settings: settings as Record<string, string> }).diagnostics.map((d) => d.code)).toEqual([
      code,
    ]);
  });
});

it("image's mean and std are one a channel", () => {
  const text = `import { image, model, relu } from "kiln";
    export default model({ input: image(2, 4, 4, { mean: [1, 2], std: 3 }) }, (x) => relu(x));`;
  expect(graphOf(readText(text)).image).toEqual({ channels: 2, height: 4, width: 4, mean: [1, 2], std: [3, 3] });
});
