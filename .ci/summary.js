/** Prints "N passed, N failed" from vitest's JSON report; exits with 1 where there is none, or where something failed. */
import { readFileSync } from "node:fs";

let report;
try {
  report = JSON.parse(readFileSync(process.argv[2], "utf8"));
} catch {
  console.log("vitest wrote no report");
  report = { numPassedTests: 0, numFailedTests: 0, testResults: [{ status: "failed", assertionResults: [] }] };
}
// A file that could not even be loaded has no tests to count.
const broken = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
const failed = report.numFailedTests + broken.length;
console.log(`${report.numPassedTests} passed, ${failed} failed`);
process.exitCode = failed > 0 || report.numPassedTests === 0 ? 1 : 0;
