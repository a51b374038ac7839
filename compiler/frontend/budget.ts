/** What evaluating a model file may cost, so that a loop to 1e9 ends in a fraction of a second. */

/** Expressions and statements evaluated, elements copied. */
export const stepLimit = 300_000;
/** What is left to look for further mistakes once a loop was given up. */
const graceSteps = 30_000;
/** Nodes of one graph. */
export const nodeLimit = 5_000;
/** Calls of a model file's functions within each other. */
export const callDepthLimit = 100;

/** Ends the evaluation of a loop; the innermost loop says where. */
export class BudgetExceeded extends Error {
  reported = false;
  constructor(readonly reason: string) {
    super(reason);
  }
}

export class Budget {
  private left = stepLimit;
  private forgiven = false;

  /** Throws BudgetExceeded where no steps are left. */
  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0)
      throw new BudgetExceeded(`evaluation was given up after ${stepLimit.toLocaleString("en-US")} steps`);
  }

  /** Once, a few more steps. */
  forgive(): boolean {
    if (this.forgiven) return false;
    this.forgiven = true;
    this.left = graceSteps;
    return true;
  }
}
