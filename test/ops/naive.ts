/**
 * What each op computes, once more, in plain loops: written from the conventions in test/reference/README.md and sharing
 * nothing with compiler/ops.
 */

export interface Plain {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

type Options = Readonly<Record<string, any>>;

const position = (shape: readonly number[], index: readonly number[]): number => {
  let at = 0;
  for (let d = 0; d < shape.length; d++) {
    if (index[d] < 0 || index[d] >= shape[d]) return -1;
    at = at * shape[d] + index[d];
  }
  return at;
};

const get = (t: Plain, index: readonly number[], outside = 0): number => {
  const at = position(t.shape, index);
  return at < 0 ? outside : t.data[at];
};

const build = (shape: readonly number[], f: (index: number[]) => number): Plain => {
  const data = new Float64Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) {
    const index: number[] = [];
    let rest = i;
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = rest % shape[d];
      rest = (rest - index[d]) / shape[d];
    }
    data[i] = f(index);
  }
  return { shape, data };
};

const both = (value: number | readonly [number, number]): readonly [number, number] =>
  typeof value === "number" ? [value, value] : value;

const outputSize = (size: number, kernel: number, stride: number, padding: number, dilation = 1): number =>
  Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;

const pool = (x: Plain, o: Options, outside: number, combine: (values: number[]) => number): Plain => {
  const kernel = both(o.kernel);
  const stride = both(o.stride ?? o.kernel);
  const padding = both(o.padding ?? 0);
  const [n, c, h, w] = x.shape;
  const size = [h, w].map((s, d) => outputSize(s, kernel[d], stride[d], padding[d]));
  return build([n, c, ...size], ([n, c, i, j]) => {
    const values: number[] = [];
    for (let p = 0; p < kernel[0]; p++)
      for (let q = 0; q < kernel[1]; q++)
        values.push(get(x, [n, c, i * stride[0] + p - padding[0], j * stride[1] + q - padding[1]], outside));
    return combine(values);
  });
};

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);

export const naive: Record<string, (inputs: Record<string, any>, options: Options) => Plain> = {
  conv2d: ({ x, weight, bias }, o) => {
    const kernel = both(o.kernel);
    const stride = both(o.stride ?? 1);
    const padding = both(o.padding ?? 0);
    const dilation = both(o.dilation ?? 1);
    const groups = o.groups ?? 1;
    const [n, c, h, w] = x.shape;
    const size = [h, w].map((s, d) => outputSize(s, kernel[d], stride[d], padding[d], dilation[d]));
    const inputs = c / groups;
    const outputs = o.channels / groups;
    return build([n, o.channels, ...size], ([n, k, i, j]) => {
      let total = bias ? bias.data[k] : 0;
      const group = Math.floor(k / outputs);
      for (let c = 0; c < inputs; c++)
        for (let p = 0; p < kernel[0]; p++)
          for (let q = 0; q < kernel[1]; q++) {
            const row = i * stride[0] + p * dilation[0] - padding[0];
            const column = j * stride[1] + q * dilation[1] - padding[1];
            total += get(x, [n, group * inputs + c, row, column]) * get(weight, [k, c, p, q]);
          }
      return total;
    });
  },
  dense: ({ x, weight, bias }) =>
    build([x.shape[0], weight.shape[0]], ([n, k]) => {
      let total = bias ? bias.data[k] : 0;
      for (let f = 0; f < x.shape[1]; f++) total += get(x, [n, f]) * get(weight, [k, f]);
      return total;
    }),
  maxPool2d: ({ x }, o) => pool(x, o, Number.NEGATIVE_INFINITY, (values) => Math.max(...values)),
  avgPool2d: ({ x }, o) => pool(x, o, 0, (values) => sum(values) / values.length),
  globalAvgPool2d: ({ x }) =>
    build([x.shape[0], x.shape[1], 1, 1], ([n, c]) => {
      const size = x.shape[2] * x.shape[3];
      const start = (n * x.shape[1] + c) * size;
      return sum([...x.data.slice(start, start + size)]) / size;
    }),
  relu: ({ x }) => ({ shape: x.shape, data: x.data.map((v: number) => Math.max(v, 0)) }),
  add: ({ a, b }) => ({ shape: a.shape, data: a.data.map((v: number, i: number) => v + b.data[i]) }),
  flatten: ({ x }) => ({ shape: [x.shape[0], x.data.length / x.shape[0]], data: x.data }),
  concat: ({ tensors }: { tensors?: Plain[] }, { axis }) => {
    const parts = tensors as Plain[];
    const shape = [...parts[0].shape];
    shape[axis] = sum(parts.map((t) => t.shape[axis]));
    return build(shape, (index) => {
      let along = index[axis];
      let part = 0;
      while (along >= parts[part].shape[axis]) along -= parts[part++].shape[axis];
      return get(
        parts[part],
        index.map((v, d) => (d === axis ? along : v)),
      );
    });
  },
  /** The first part. */
  split: ({ x }, { sections, axis }) =>
    build(
      x.shape.map((extent: number, d: number) => (d === axis ? extent / sections : extent)),
      (index) => get(x, index),
    ),
  batchNorm: ({ x, weight, bias }, { epsilon = 1e-5 }) => {
    const { mean, variance } = statistics(x);
    return build(x.shape, (index) => {
      const c = index[1];
      return ((get(x, index) - mean[c]) / Math.sqrt(variance[c] + epsilon)) * weight.data[c] + bias.data[c];
    });
  },
  localResponseNorm: ({ x }, { size = 5, alpha = 1e-4, beta = 0.75, k = 2 }) =>
    build(x.shape, ([n, c, h, w]) => {
      let total = 0;
      for (let j = c - Math.floor(size / 2); j <= c + Math.floor((size - 1) / 2); j++)
        total += get(x, [n, j, h, w]) ** 2;
      return get(x, [n, c, h, w]) / (k + (alpha / size) * total) ** beta;
    }),
  resize: ({ x }, { height, width }) => {
    const [n, c, h, w] = x.shape;
    const source = (i: number, size: number, out: number) => {
      const s = Math.max(((i + 0.5) * size) / out - 0.5, 0);
      const low = Math.floor(s);
      return { low, high: Math.min(low + 1, size - 1), t: s - low };
    };
    return build([n, c, height, width], ([n, c, i, j]) => {
      const r = source(i, h, height);
      const q = source(j, w, width);
      const row = (y: number) => get(x, [n, c, y, q.low]) * (1 - q.t) + get(x, [n, c, y, q.high]) * q.t;
      return row(r.low) * (1 - r.t) + row(r.high) * r.t;
    });
  },
  softmax: ({ x }, { axis = 1 }) =>
    build(x.shape, (index) => {
      let total = 0;
      const own = get(x, index);
      for (let i = 0; i < x.shape[axis]; i++)
        total += Math.exp(
          get(
            x,
            index.map((v, d) => (d === axis ? i : v)),
          ) - own,
        );
      return 1 / total;
    }),
};

/** Mean and biased variance of each channel, and how many elements a channel has. */
export const statistics = (x: Plain) => {
  const [n, channels, ...rest] = x.shape;
  const size = rest.reduce((a, b) => a * b, 1);
  const values: number[][] = Array.from({ length: channels }, () => []);
  for (let i = 0; i < x.data.length; i++) values[Math.floor(i / size) % channels].push(x.data[i]);
  const mean = values.map((v) => sum(v) / v.length);
  const variance = values.map((v, c) => sum(v.map((a) => (a - mean[c]) ** 2)) / v.length);
  return { mean, variance, count: n * size };
};
