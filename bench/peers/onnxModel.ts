/** The network as an ONNX model, opset 13, its weights inside. */
import proto, { type onnx } from "onnx-proto";
import type { Job } from "./protocol.ts";
import type { Tensor, Tensors } from "./tensors.ts";

const { AttributeProto, ModelProto, TensorProto } = proto.onnx; // a CommonJS package
const { AttributeType } = AttributeProto;
const float32 = TensorProto.DataType.FLOAT;

const ints = (name: string, values: readonly number[]) => ({ name, type: AttributeType.INTS, ints: [...values] });
const int = (name: string, i: number) => ({ name, type: AttributeType.INT, i });

const tensor = (name: string, { shape, data }: Tensor) => ({
  name,
  dims: [...shape],
  dataType: float32,
  rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

const valueInfo = (name: string, shape: readonly number[]) => ({
  name,
  type: { tensorType: { elemType: float32, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
});

/** Serialized; its input is `input`, its output `output`. */
export function onnxModel({ layers, batch, classes }: Job, { weights, input }: Tensors): Uint8Array {
  let x = "input";
  const node = layers.map((layer, i): onnx.INodeProto => {
    const [from, to] = [x, i === layers.length - 1 ? "output" : `value_${i}`];
    x = to;
    const make = (opType: string, parameters: readonly (string | null)[], attribute: onnx.IAttributeProto[]) => ({
      name: `${opType}_${i}`,
      opType,
      input: [from, ...parameters.filter((name) => name !== null)],
      output: [to],
      attribute,
    });
    if (layer.kind === "conv2d") {
      const { weight, bias, stride, padding } = layer;
      return make("Conv", [weight, bias], [ints("strides", stride), ints("pads", [...padding, ...padding])]);
    }
    if (layer.kind === "maxPool2d")
      return make("MaxPool", [], [ints("kernel_shape", layer.kernel), ints("strides", layer.stride)]);
    if (layer.kind === "relu") return make("Relu", [], []);
    if (layer.kind === "flatten") return make("Flatten", [], [int("axis", 1)]);
    return make("Gemm", [layer.weight, layer.bias], [int("transB", 1)]);
  });
  const model = {
    irVersion: 7,
    producerName: "kiln-bench",
    opsetImport: [{ domain: "", version: 13 }],
    graph: {
      name: "network",
      node,
      initializer: [...weights].map(([name, weight]) => tensor(name, weight)),
      input: [valueInfo("input", input.shape)],
      output: [valueInfo("output", [batch, classes])],
    },
  };
  return ModelProto.encode(model).finish();
}
