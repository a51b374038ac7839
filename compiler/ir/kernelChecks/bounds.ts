/** Indices of buffers and workgroup memory: proved inside, shown to go outside at a point, or undecided. */
import { printExpression, printStatementHead } from "../../text/printKernel.ts";
import type { Builtin, Kernel, KernelExpr, Statement } from "../kernel.ts";
import { type Enclosing, expressionsOf, operandsOf, type Scope, walkKernel } from "../kernelTree.ts";
import { type Affine, scale } from "./affine.ts";
import { evaluateInteger, formatPoint, type Point } from "./integers.ts";
import { provesAtMost } from "./proof.ts";
import { Symbols } from "./symbols.ts";

export interface BoundsOptions {
  /** Report every store, and every indexed register, that cannot be proved inside. */
  readonly strict?: boolean;
  /** Report loads that go outside or may do so. (Those whose value is then selected away are no error in themselves.) */
  readonly strictLoads?: boolean;
}

/** A load, a store, or what reads or writes an indexed register. */
type Site = KernelExpr | Statement;

interface Access {
  readonly site: Site;
  /** `store to y`, for messages. */
  readonly what: string;
  readonly name: string;
  readonly length: number;
  readonly index: KernelExpr;
  /** A load may go outside as long as its value goes nowhere. */
  readonly mayLeave: boolean;
  /** Conditions of the selects around it. */
  readonly given: readonly Given[];
}

interface Given {
  readonly condition: KernelExpr;
  readonly holds: boolean;
}

/** Stores and indexed registers that go outside, loads that always do; more under the options. */
export const checkBounds = (kernel: Kernel, options: BoundsOptions = {}): string[] =>
  problemsOf(kernel, options).map(({ problem }) => problem);

/** Every access that cannot be proved to stay inside what it accesses. */
export const unprovedAccesses = (kernel: Kernel): ReadonlySet<Site> =>
  new Set(problemsOf(kernel, { strict: true, strictLoads: true }).map(({ site }) => site));

function problemsOf(kernel: Kernel, options: BoundsOptions): { readonly site: Site; readonly problem: string }[] {
  const problems: { site: Site; problem: string }[] = [];
  const symbols = new Symbols(kernel);
  walkKernel(kernel, (s, scope, path) => {
    const accesses = accessesOf(s, kernel, scope);
    if (accesses.length === 0) return;
    const around = symbols.factsOf(path, scope);
    for (const access of accesses) {
      const problem = checkAccess(access, kernel, symbols, around, scope, path, options);
      if (problem) problems.push({ site: access.site, problem: `\`${printStatementHead(s)}\`: ${problem}` });
    }
  });
  return problems;
}

function accessesOf(s: Statement, kernel: Kernel, scope: Scope): Access[] {
  const accesses: Access[] = [];
  const memory = (site: Site, verb: string, name: string, index: KernelExpr, given: readonly Given[]): void => {
    // An index that is chosen: each choice where it is the one.
    if (index.kind === "select" && index.condition.width === 1) {
      memory(site, verb, name, index.a, [...given, { condition: index.condition, holds: true }]);
      memory(site, verb, name, index.b, [...given, { condition: index.condition, holds: false }]);
      return;
    }
    const length =
      kernel.buffers.find((b) => b.name === name)?.length ?? kernel.shared.find((a) => a.name === name)?.length ?? 0;
    accesses.push({ site, what: `${verb} ${name}`, name, length, index, given, mayLeave: verb === "load from" });
  };
  /** Arrays that are indexed by constants are checked exactly elsewhere. */
  const registers = (site: Site, name: string, index: readonly KernelExpr[], given: readonly Given[]) => {
    const found = scope.find(name);
    if (found?.kind !== "registers" || !found.statement.indexed) return;
    const [length] = found.statement.shape;
    accesses.push({ site, what: `register ${name}`, name, length, index: index[0], given, mayLeave: false });
  };
  const inside = (e: KernelExpr, given: readonly Given[]): void => {
    if (e.kind === "load") memory(e, "load from", e.buffer, e.index, given);
    if (e.kind === "sharedLoad") memory(e, "load from", e.array, e.index, given);
    if (e.kind === "register") registers(e, e.name, e.index, given);
    if (e.kind === "select" && e.condition.width === 1) {
      inside(e.condition, given);
      inside(e.a, [...given, { condition: e.condition, holds: true }]);
      inside(e.b, [...given, { condition: e.condition, holds: false }]);
    } else for (const operand of operandsOf(e)) inside(operand, given);
  };
  if (s.kind === "store") memory(s, "store to", s.buffer, s.index, []);
  if (s.kind === "sharedStore") memory(s, "store to", s.array, s.index, []);
  if (s.kind === "assign") registers(s, s.register, s.index, []);
  for (const e of expressionsOf(s)) inside(e, []);
  return accesses;
}

function checkAccess(
  access: Access,
  kernel: Kernel,
  symbols: Symbols,
  around: readonly Affine[],
  scope: Scope,
  path: readonly Enclosing[],
  options: BoundsOptions,
): string | undefined {
  const index = symbols.read(access.index, scope);
  const { what } = access;
  const elements = `${access.length} elements`;
  const { low, high } = symbols.atoms.range(index);
  if (low >= 0 && high < access.length) return undefined;
  if (low >= access.length || high < 0)
    return `${what} at ${printExpression(access.index)} is always outside its ${elements}`;
  // Proofs take time; a load that may go outside is no error, so what is left of it needs none.
  if (access.mayLeave && !options.strictLoads) return undefined;

  const facts = [...around, ...access.given.flatMap((g) => symbols.condition(g.condition, scope, g.holds))];
  const atMost = (a: Affine, limit: number) => provesAtMost(a, limit, facts, symbols.atoms);
  if (atMost(index, access.length - 1) && atMost(scale(index, -1), 0)) return undefined;
  const witness = findOutside(access, kernel, scope, path);
  if (witness) return `${what} at ${witness.index}, outside its ${elements}, where ${witness.point}`;
  if (options.strict || access.mayLeave)
    return `cannot prove that ${printExpression(access.index)} is inside the ${elements} of ${access.name}`;
  return undefined;
}

const attempts = 300;

/** A point of the iteration space at which the access happens and is outside; undefined where none was found. */
function findOutside(
  access: Access,
  kernel: Kernel,
  scope: Scope,
  path: readonly Enclosing[],
): { readonly index: number; readonly point: string } | undefined {
  let state = 1;
  const random = (count: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  for (let attempt = 0; attempt < attempts; attempt++) {
    // First all lowest, then all highest, then mixtures of lowest, highest and anything between.
    const choose = (count: number): number => {
      const how = attempt < 2 ? attempt : random(3);
      return how === 0 ? 0 : how === 1 ? count - 1 : random(count);
    };
    const found = atPoint(access, kernel, scope, path, choose);
    if (found === "unknown") return undefined;
    if (found) return found;
  }
  return undefined;
}

function atPoint(
  access: Access,
  kernel: Kernel,
  scope: Scope,
  path: readonly Enclosing[],
  choose: (count: number) => number,
): { readonly index: number; readonly point: string } | "unknown" | undefined {
  const values = new Map<string, number>();
  const local = choose(kernel.workgroupSize);
  const builtins: Record<Builtin, number> = {
    "workgroup.x": choose(kernel.workgroups[0]),
    "workgroup.y": choose(kernel.workgroups[1]),
    "workgroup.z": choose(kernel.workgroups[2]),
    local,
    subgroupLane: local % (kernel.subgroupSize ?? kernel.workgroupSize),
  };
  const used = new Set<Builtin>();
  const point: Point = {
    loop: (name) => values.get(name),
    builtin: (name) => {
      used.add(name);
      return builtins[name];
    },
  };
  const evaluate = (e: KernelExpr) => evaluateInteger(e, scope, point);
  const meets = ({ condition, holds }: Given): boolean | "unknown" => {
    const value = evaluate(condition);
    return value === undefined ? "unknown" : (value !== 0) === holds;
  };
  for (const step of path) {
    const s = step.statement;
    if (s.kind === "if") {
      const met = meets({ condition: s.condition, holds: "holds" in step && step.holds });
      if (met !== true) return met || undefined;
      continue;
    }
    const [from, to] = [evaluate(s.from), evaluate(s.to)];
    if (from === undefined || to === undefined) return "unknown";
    if (from >= to) return undefined;
    values.set(s.variable, from + choose(Math.ceil((to - from) / s.step)) * s.step);
  }
  for (const given of access.given) {
    const met = meets(given);
    if (met !== true) return met || undefined;
  }
  const index = evaluate(access.index);
  if (index === undefined) return "unknown";
  if (index >= 0 && index < access.length) return undefined;
  const shown = new Map([...[...used].map((name) => [name, builtins[name]] as const), ...values]);
  return { index, point: formatPoint(shown) };
}
