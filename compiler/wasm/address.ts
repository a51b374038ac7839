/** Addresses in bytes: what varies is added up, what is constant becomes the access's offset. */
import type { Kernel, KernelExpr, Statement } from "../ir/kernel.ts";
import { bodiesOf, walkKernel } from "../ir/kernelTree.ts";
import { type Constants, fold } from "../ir/unroll.ts";

/** constant + the sum of coefficient * term, in the order in which the terms stand. */
export interface LinearForm {
  readonly constant: number;
  readonly terms: readonly { readonly term: KernelExpr; readonly coefficient: number }[];
}

/** Takes an i32 expression apart; what is no sum, difference or product by a constant is a term. */
export function linearForm(e: KernelExpr, constants: Constants): LinearForm {
  let constant = 0;
  const terms: { term: KernelExpr; coefficient: number }[] = [];
  const add = (x: KernelExpr, factor: number): void => {
    const value = fold(x, constants);
    if (value !== undefined) {
      constant += factor * value;
      return;
    }
    if (x.kind === "binary" && (x.op === "add" || x.op === "sub")) {
      add(x.a, factor);
      return add(x.b, x.op === "add" ? factor : -factor);
    }
    if (x.kind === "binary" && x.op === "mul") {
      const [a, b] = [fold(x.a, constants), fold(x.b, constants)];
      if (b !== undefined) return add(x.a, factor * b);
      if (a !== undefined) return add(x.b, factor * a);
    }
    terms.push({ term: x, coefficient: factor });
  };
  add(e, 1);
  return { constant, terms };
}

/**
 * Which i32 values are certainly not negative. An access's offset is added without wrapping, so a constant may move
 * there only where the rest of the address is no negative number.
 */
export class Signs {
  private readonly known = new Set<string>();

  constructor(kernel: Kernel) {
    const assigned = new Map<string, KernelExpr[]>();
    walkKernel(kernel, (s) => {
      if (s.kind === "assign" && s.value.dtype === "i32")
        assigned.set(s.register, [...(assigned.get(s.register) ?? []), s.value]);
    });
    const visit = (body: readonly Statement[]): void => {
      for (const s of body) {
        if (s.kind === "let" && s.value.dtype === "i32" && this.nonNegative(s.value)) this.known.add(s.name);
        if (s.kind === "for" && this.nonNegative(s.from) && s.step > 0) this.known.add(s.variable);
        for (const inner of bodiesOf(s)) visit(inner);
      }
      // Uses before the end of the body that assigns one are taken as unknown, which is safe.
      this.learnRegisters(body, assigned);
    };
    visit(kernel.body);
  }

  private learnRegisters(body: readonly Statement[], assigned: ReadonlyMap<string, readonly KernelExpr[]>): void {
    for (const s of body)
      if (s.kind === "assign" && assigned.get(s.register)?.every((v) => this.nonNegative(v)))
        this.known.add(s.register);
  }

  nonNegative(e: KernelExpr): boolean {
    switch (e.kind) {
      case "constant":
        return e.value >= 0;
      case "variable":
      case "register":
        return this.known.has(e.name);
      case "builtin":
        return true;
      case "select":
        return this.nonNegative(e.a) && this.nonNegative(e.b);
      case "binary":
        if (e.op === "max") return this.nonNegative(e.a) || this.nonNegative(e.b);
        return ["add", "mul", "div", "mod", "min"].includes(e.op) && this.nonNegative(e.a) && this.nonNegative(e.b);
      default:
        return false;
    }
  }

  /** Whether the sum of the terms is certainly not negative. */
  sum({ terms }: LinearForm): boolean {
    return terms.every(({ term, coefficient }) => coefficient >= 0 && this.nonNegative(term));
  }
}
