/** docs/diagnostics.md, made of the cases that are named after their code. */
import { type DiagnosticCode, diagnosticCodes } from "../../compiler/diagnostics/codes.ts";
import { formatDiagnostic } from "../../compiler/diagnostics/format.ts";
import { caseText, readCase } from "./cases.ts";

/** Codes of model files. */
export const frontEndCodes = (Object.keys(diagnosticCodes) as DiagnosticCode[]).filter((c) => /^KILN[12]/.test(c));

/** What the others mean and what to do: no model file is an example of them by itself. */
const meanings: Readonly<Record<Extract<DiagnosticCode, `KILN${3 | 4}${string}`>, string>> = {
  KILN3001: `A tensor takes more than the target binds at once. The place is the layer that makes it, or where a text first names
it. The message has the largest batch that fits; where there is none, make the layer smaller, or compile for a target with
larger buffers (\`--target\`).`,
  KILN3002: `No plan was found within \`--memory-limit\`, however often kernels run again. The message has the smallest limit for
which one was found, and the kernel that needs the most at once, at whose layer the place is.`,
  KILN4001: "A file of text IR (`.kir`) cannot be read; [ir.md](ir.md) has the grammar.",
  KILN4002: `A file of text IR (\`.kir\`) can be read, but the program in it is not right: types of operands, reads inside their
tensors, order of updates, limits of the target.`,
};

const introduction = `# Diagnostics

What Kiln says about a mistake: \`file:line:column - error CODE: ...\`, the line it is on, and what to do. Codes are never
reused. Every mistake of a file is reported, each once; what merely follows from another mistake is not. On a terminal
the output is coloured, unless \`NO_COLOR\` is set; \`kiln compile --json\` prints
\`[{file, line, column, code, message}]\`.

KILN1xxx: the file and its language. KILN2xxx: ops and shapes. KILN3xxx: targets and plans. KILN4xxx: text IR.

`;

const fence = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\`\n`;

const example = (code: DiagnosticCode): string => {
  const { diagnostics } = readCase(code);
  const first = diagnostics.find((d) => d.code === code);
  if (!first) throw new Error(`the case ${code} has no ${code}`);
  const setting = /^\/\/ set (.*)/.exec(caseText(code));
  const text = caseText(code).replace(/ *\/\/ (error|set) .*/g, "");
  const source = `${fence("ts", text.trimStart())}${setting ? `\nwith \`--set ${setting[1]}\`\n` : ""}`;
  return `${source}\n${fence("text", formatDiagnostic(first).replace(/ *\/\/ error .*/g, ""))}`;
};

/** The page; ends with a line break. */
export const diagnosticsPage = (): string => {
  const codes = Object.entries(diagnosticCodes) as [DiagnosticCode, string][];
  const sections = codes.map(([code, title]) => {
    const heading = `## ${code}: ${title}\n\n`;
    return frontEndCodes.includes(code)
      ? `${heading}${example(code)}`
      : `${heading}${meanings[code as keyof typeof meanings]}\n`;
  });
  return `${introduction}${sections.join("\n")}`;
};
