/** The kernels of an artifact: their texts, and what they bind. */
import type { ProgramKernel, Target } from "../runtime/program/schema.ts";
import { relaxedSimd } from "../runtime/program/wasmTarget.ts";
import type { Kernel } from "./ir/kernel.ts";
import type { PlanTexture } from "./ir/plan.ts";
import type { Value } from "./ir/types.ts";
import { type BufferPlace, kernelBindings } from "./plan/bindings.ts";
import { formatLocation } from "./text/names.ts";
import { printWat } from "./wasm/print.ts";
import { printWgsl } from "./wgsl/print.ts";

/** Where a kernel's values lie, and what the run decides. */
export interface Placing {
  readonly placeOf: (value: Value) => BufferPlace;
  /** The copy of a value that the kernel reads from a texture. */
  readonly textureOf: (value: Value) => PlanTexture;
  /** Whether the run decides a value's length. */
  readonly isUnsized?: (value: Value) => boolean;
}

/** How a kernel's values share bindings: what its text depends on beside the kernel. */
interface Sharing {
  readonly aliases: ReadonlyMap<string, string>;
  readonly writable: ReadonlySet<string>;
  readonly unsized: ReadonlySet<string>;
}

interface PrintedKernel {
  readonly text: string;
  readonly bindings: ProgramKernel["bindings"];
}

/** A language that kernels are printed in. */
interface Language {
  /** Of a kernel's file. */
  readonly extension: string;
  readonly entryPoint: string;
  /** What a comment begins with, to the end of its line. */
  readonly comment: string;
  readonly print: (kernel: Kernel, sharing: Sharing) => PrintedKernel;
}

const wgsl: Language = { extension: "wgsl", entryPoint: "main", comment: "//", print: printWgsl };
const wasm = ({ features }: Target): Language => ({
  extension: "wat",
  entryPoint: "run",
  comment: ";;",
  print: (kernel, sharing) => printWat(kernel, { ...sharing, relaxedSimd: features.includes(relaxedSimd) }),
});

/** Kernels by text: what is the same is printed and kept once. */
export class KernelTable {
  readonly kernels: ProgramKernel[] = [];
  private readonly bodies: Record<string, string> = {};
  /** By file, a line a kernel that has its text. */
  private readonly users = new Map<string, Set<string>>();
  private readonly byKey = new Map<string, number>();
  private readonly files = new Map<string, string>();
  /** Kernels that were scheduled as one have one body, and one text where their values lie alike. */
  private readonly printed = new Map<Kernel["body"], Map<string, PrintedKernel>>();
  private readonly language: Language;

  constructor(target: Target) {
    this.language = target.class === "wasm" ? wasm(target) : wgsl;
  }

  /** By file. Each begins with the kernels that it is: their ops, and the lines of the model file that they come from. */
  get texts(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.bodies).map(([file, body]) => {
        const users = [...this.users.get(file)!].map((line) => `${this.language.comment} ${line}\n`);
        return [file, `${users.join("")}${body}`];
      }),
    );
  }

  /** The kernel's place in the table, and what it binds, in order. */
  add(kernel: Kernel, { placeOf, textureOf, isUnsized }: Placing) {
    const shared = kernelBindings(kernel, placeOf, textureOf);
    const aliases = new Map<string, string>();
    const writable = new Set<string>();
    const unsized = new Set<string>();
    for (const { place, buffers } of shared) {
      const [first, ...others] = buffers.map((b) => b.name);
      for (const other of others) aliases.set(other, first);
      if (place.kind === "arena") writable.add(first);
      if (place.kind === "external" && isUnsized?.(place.value)) unsized.add(first);
    }
    const texts = this.printed.get(kernel.body) ?? new Map<string, PrintedKernel>();
    this.printed.set(kernel.body, texts);
    const key = [[...aliases], [...writable], [...unsized]].join(";");
    const printed = texts.get(key) ?? this.language.print(kernel, { aliases, writable, unsized });
    texts.set(key, printed);
    return { index: this.keep(kernel, printed), shared };
  }

  private keep(kernel: Kernel, { text, bindings }: PrintedKernel): number {
    const { extension, entryPoint } = this.language;
    const key = `${kernel.name}\n${text}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    let file = this.files.get(text);
    if (!file) {
      const base = kernel.name;
      file = `kernels/${base}.${extension}`;
      for (let i = 2; file in this.bodies; i++) file = `kernels/${base}_${i}.${extension}`;
      this.files.set(text, file);
      this.bodies[file] = text;
    }
    this.users.set(file, (this.users.get(file) ?? new Set()).add(describe(kernel)));
    const { kind, ...schedule } = kernel.schedule;
    this.byKey.set(key, this.kernels.length);
    this.kernels.push({
      name: kernel.name,
      file,
      entryPoint,
      workgroupSize: kernel.workgroupSize,
      bindings,
      sources: kernel.locations.map((l) => `${l.file}:${l.line}`),
      ops: kernel.ops,
      schedule: { kind, ...schedule },
      algorithm: kernel.algorithm ?? "direct",
      operations: kernel.operations,
      executedOperations: kernel.executedOperations ?? kernel.operations,
    });
    return this.kernels.length - 1;
  }
}

/** `conv2d_relu_2: conv2d, relu @ models/alexnet.ts:10:7` */
const describe = ({ name, ops, locations }: Kernel): string =>
  `${name}${ops.length > 0 ? `: ${ops.join(", ")}` : ""}${locations.map(formatLocation).join("")}`;
