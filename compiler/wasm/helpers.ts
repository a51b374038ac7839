/** Functions in WebAssembly text that kernels call where one instruction does not do. */

interface Helper {
  readonly needs: readonly string[];
  readonly text: string;
}

/** Coefficients of the Taylor series of exp, highest first: remainder below 4e-10 of the value for |r| <= ln 2 / 2. */
const expSeries = [8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => 1 / factorial(n));

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

/** Of log((1 + s) / (1 - s)) / (2 s) in s squared, highest first: |s| <= 0.172, remainder below 1e-12. */
const logSeries = [13, 11, 9, 7, 5, 3, 1].map((n) => 1 / n);

const horner = (coefficients: readonly number[], x: string): string =>
  coefficients
    .slice(1)
    .reduce((sum, c) => `(f64.add (f64.mul ${sum} ${x}) (f64.const ${c}))`, `(f64.const ${coefficients[0]})`);

// exp(x) = 2^n exp(r), n the integer nearest to x / ln 2. In f64, so that rounding to f32 is all that is lost.
const exp64 = `(func $exp64 (param $x f64) (result f64)
  (local $n f64) (local $r f64)
  (local.set $x (f64.max (f64.const -700) (f64.min (f64.const 700) (local.get $x))))
  (local.set $n (f64.nearest (f64.mul (local.get $x) (f64.const ${Math.LOG2E}))))
  (local.set $r (f64.sub (local.get $x) (f64.mul (local.get $n) (f64.const ${Math.LN2}))))
  (f64.mul
    ${horner(expSeries, "(local.get $r)")}
    (f64.reinterpret_i64
      (i64.shl (i64.add (i64.trunc_sat_f64_s (local.get $n)) (i64.const 1023)) (i64.const 52)))))`;

// log(x) = e ln 2 + log(m), m in [sqrt(1/2), sqrt 2), by the series of the inverse hyperbolic tangent.
const log64 = `(func $log64 (param $x f64) (result f64)
  (local $bits i64) (local $e i64) (local $m f64) (local $s f64)
  (if (f64.le (local.get $x) (f64.const 0))
    (then (return (select (f64.const -inf) (f64.const nan) (f64.eq (local.get $x) (f64.const 0))))))
  (if (i32.eqz (f64.lt (local.get $x) (f64.const inf))) (then (return (local.get $x))))
  (local.set $bits (i64.reinterpret_f64 (local.get $x)))
  (local.set $e (i64.sub (i64.shr_u (local.get $bits) (i64.const 52)) (i64.const 1023)))
  (local.set $m (f64.reinterpret_i64
    (i64.or (i64.and (local.get $bits) (i64.const 0x000fffffffffffff)) (i64.const 0x3ff0000000000000))))
  (if (f64.gt (local.get $m) (f64.const ${Math.SQRT2}))
    (then
      (local.set $m (f64.mul (local.get $m) (f64.const 0.5)))
      (local.set $e (i64.add (local.get $e) (i64.const 1)))))
  (local.set $s (f64.div (f64.sub (local.get $m) (f64.const 1)) (f64.add (local.get $m) (f64.const 1))))
  (f64.add
    (f64.mul (f64.convert_i64_s (local.get $e)) (f64.const ${Math.LN2}))
    (f64.mul (f64.mul (f64.const 2) (local.get $s))
      ${horner(logSeries, "(f64.mul (local.get $s) (local.get $s))")})))`;

const rotations = [13, 15, 26, 6, 17, 29, 16, 24];

// Threefry 2x32 with 20 rounds: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
function threefry(): string {
  const lines: string[] = [];
  const keys = ["$seed", "$step", "$parity"];
  for (let round = 0; round < 20; round++) {
    lines.push(
      "(local.set $x (i32.add (local.get $x) (local.get $y)))",
      `(local.set $y (i32.xor (i32.rotl (local.get $y) (i32.const ${rotations[round % 8]})) (local.get $x)))`,
    );
    if (round % 4 !== 3) continue;
    const turn = (round + 1) / 4;
    lines.push(
      `(local.set $x (i32.add (local.get $x) (local.get ${keys[turn % 3]})))`,
      `(local.set $y (i32.add (i32.add (local.get $y) (local.get ${keys[(turn + 1) % 3]})) (i32.const ${turn})))`,
    );
  }
  return `(func $random (param $seed i32) (param $step i32) (param $y i32) (param $x i32) (result f32)
  (local $parity i32)
  (local.set $parity
    (i32.xor (i32.xor (local.get $seed) (local.get $step)) (i32.const 0x1bd11bda)))
  (local.set $x (i32.add (local.get $x) (local.get $seed)))
  (local.set $y (i32.add (local.get $y) (local.get $step)))
  ${lines.join("\n  ")}
  (f32.mul (f32.convert_i32_u (i32.shr_u (local.get $x) (i32.const 8))) (f32.const 5.9604644775390625e-8)))`;
}

/** Applies a function of f32 to each of four lanes. */
const lanewise = (name: string, of: string, count: 1 | 2): string => {
  const parameters = ["$a", "$b"].slice(0, count);
  const lane = (l: number) =>
    `(call ${of} ${parameters.map((p) => `(f32x4.extract_lane ${l} (local.get ${p}))`).join(" ")})`;
  const all = [1, 2, 3].reduce((v, l) => `(f32x4.replace_lane ${l} ${v} ${lane(l)})`, `(f32x4.splat ${lane(0)})`);
  return `(func ${name} ${parameters.map((p) => `(param ${p} v128)`).join(" ")} (result v128)\n  ${all})`;
};

/** The same for an instruction of i32 that has no form for vectors. */
const lanewiseI32 = (name: string, instruction: string): string => {
  const lane = (l: number) =>
    `(${instruction} (i32x4.extract_lane ${l} (local.get $a)) (i32x4.extract_lane ${l} (local.get $b)))`;
  const all = [1, 2, 3].reduce((v, l) => `(i32x4.replace_lane ${l} ${v} ${lane(l)})`, `(i32x4.splat ${lane(0)})`);
  return `(func ${name} (param $a v128) (param $b v128) (result v128)\n  ${all})`;
};

const f32Of = (name: string, of: string): string =>
  `(func ${name} (param $x f32) (result f32)\n  (f32.demote_f64 (call ${of} (f64.promote_f32 (local.get $x)))))`;

const helpers: Readonly<Record<string, Helper>> = {
  $exp64: { needs: [], text: exp64 },
  $log64: { needs: [], text: log64 },
  $exp: { needs: ["$exp64"], text: f32Of("$exp", "$exp64") },
  $log: { needs: ["$log64"], text: f32Of("$log", "$log64") },
  $pow: {
    needs: ["$exp64", "$log64"],
    text: `(func $pow (param $a f32) (param $b f32) (result f32)
  (f32.demote_f64
    (call $exp64 (f64.mul (f64.promote_f32 (local.get $b)) (call $log64 (f64.promote_f32 (local.get $a)))))))`,
  },
  $exp_x4: { needs: ["$exp"], text: lanewise("$exp_x4", "$exp", 1) },
  $log_x4: { needs: ["$log"], text: lanewise("$log_x4", "$log", 1) },
  $pow_x4: { needs: ["$pow"], text: lanewise("$pow_x4", "$pow", 2) },
  $random: { needs: [], text: threefry() },
  ...Object.fromEntries(
    ["i32.div_s", "i32.div_u", "i32.rem_s", "i32.rem_u", "i32.shr_s", "i32.shr_u"].map((instruction) => {
      const name = lanewiseName(instruction);
      return [name, { needs: [], text: lanewiseI32(name, instruction) }];
    }),
  ),
};

/** What the helper that applies an i32 instruction lane by lane is called. */
export function lanewiseName(instruction: string): string {
  return `$${instruction.replace(".", "_")}_x4`;
}

/** The texts of the helpers called, and of those that they call, each once, in a fixed order. */
export function helperTexts(called: Iterable<string>): string[] {
  const wanted = new Set<string>();
  const want = (name: string): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const needed of helpers[name].needs) want(needed);
  };
  for (const name of called) want(name);
  return Object.entries(helpers).flatMap(([name, { text }]) => (wanted.has(name) ? [text] : []));
}
