/** Reads model files and the files they import, parses them and evaluates them in order of their imports. */
import { ts } from "ts-morph";
import { didYouMean, suggest } from "../diagnostics/suggest.ts";
import { checkLanguage } from "./language.ts";
import type { Machine } from "./machine.ts";
import { patternNames } from "./patterns.ts";
import { placeBetween } from "./reporter.ts";
import { Scope } from "./scope.ts";
import { NamespaceValue, type Static, unknown } from "./values.ts";

/** Where model files come from; paths are relative, or as the user gave them, with `/` between folders. */
export interface ModelSource {
  /** The model file. */
  readonly path: string;
  /** A file's text; undefined where there is none. */
  read(path: string): string | undefined;
}

export interface Module {
  readonly file: ts.SourceFile;
  readonly scope: Scope;
  /** Exported names, and what they are called inside. */
  readonly exports: ReadonlyMap<string, string>;
  /** Types that are exported; they have no value. */
  readonly types: ReadonlySet<string>;
  /** It could not be parsed: what it exports is unknown. */
  readonly broken: boolean;
}

export class Modules {
  /** By path; undefined where the file does not exist. */
  private readonly loaded = new Map<string, Module | undefined>();
  /** Files being read, each imported by the one before. */
  private readonly open: string[] = [];
  /** Every file that was read, by path. */
  readonly texts = new Map<string, string>();

  constructor(
    private readonly source: ModelSource,
    private readonly m: Machine,
  ) {}

  /** The file, evaluated; undefined where it does not exist. */
  load(path: string): Module | undefined {
    if (this.loaded.has(path)) return this.loaded.get(path);
    const text = this.source.read(path);
    const module = text === undefined ? undefined : this.evaluate(path, text);
    this.loaded.set(path, module);
    return module;
  }

  private evaluate(path: string, text: string): Module {
    this.texts.set(path, text);
    const { m } = this;
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
    const scope = new Scope();
    if (this.reportSyntax(file)) return { file, scope, exports: new Map(), types: new Set(), broken: true };
    checkLanguage(file, m.reporter, m.kiln);
    this.open.push(path);
    for (const statement of file.statements) {
      if (ts.isImportDeclaration(statement)) this.import(statement, file, scope);
      else if (ts.isExportDeclaration(statement) && statement.moduleSpecifier) this.reexport(statement, file, scope);
    }
    this.open.pop();
    m.block(file.statements, scope);
    return { file, scope, ...exported(file), broken: false };
  }

  /** Syntax errors, one a line, since one mistake often makes the parser stumble more than once. */
  private reportSyntax(file: ts.SourceFile): boolean {
    const errors = syntaxErrors(file);
    const lines = new Set<number>();
    for (const { start = 0, length = 1, messageText } of errors) {
      const place = placeBetween(file, start, start + length);
      if (lines.has(place.line)) continue;
      lines.add(place.line);
      const message = ts.flattenDiagnosticMessageText(messageText, " ");
      this.m.reporter.report("KILN1001", place, message.replace(/\.$/, "").replace(/'([^']+)'/g, "`$1`"));
    }
    return errors.length > 0;
  }

  private import(node: ts.ImportDeclaration, file: ts.SourceFile, scope: Scope): void {
    const clause = node.importClause;
    const onlyTypes = clause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    const found = this.resolve(node.moduleSpecifier, file, onlyTypes);
    if (clause?.name && !onlyTypes) this.link("default", clause.name, found, scope, clause.name);
    const bindings = clause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) {
      if (!onlyTypes) scope.declare(bindings.name.text, this.namespace(bindings.name.text, found));
      return;
    }
    for (const e of bindings?.elements ?? []) {
      const imported = e.propertyName ?? e.name;
      if (!onlyTypes && !e.isTypeOnly) this.link(imported.text, e.name, found, scope, imported);
      else if (found === "kiln") this.fromKiln(imported.text, imported);
    }
  }

  private reexport(node: ts.ExportDeclaration, file: ts.SourceFile, scope: Scope): void {
    const found = this.resolve(node.moduleSpecifier!, file, node.isTypeOnly);
    if (node.isTypeOnly || !node.exportClause || !ts.isNamedExports(node.exportClause)) return;
    for (const e of node.exportClause.elements)
      if (!e.isTypeOnly)
        this.link((e.propertyName ?? e.name).text, reexportName(e), found, scope, e.propertyName ?? e.name);
  }

  /** Makes the export `name` of a file visible in a scope. */
  private link(name: string, local: { text: string }, from: Found, scope: Scope, node: ts.Node): void {
    const { m } = this;
    if (from === "kiln") {
      scope.declare(local.text, this.fromKiln(name, node));
      return;
    }
    const inner = from?.exports.get(name);
    const binding = inner === undefined ? undefined : from?.scope.own(inner);
    if (binding) {
      scope.link(local.text, binding);
      return;
    }
    if (from && !from.broken && !from.types.has(name)) {
      const names = [...from.exports.keys()];
      const help =
        didYouMean(suggest(name, names)) ?? (names.length > 0 ? `it exports ${names.join(", ")}` : undefined);
      const what = name === "default" ? "no default export" : `no export \`${name}\``;
      m.report("KILN1005", node, `${from.file.fileName} has ${what}`, {
        help: help ?? "write `export` before what it declares",
      });
    }
    scope.declare(local.text, unknown);
  }

  /** What `import * as name` holds. */
  private namespace(name: string, from: Found): Static {
    if (from === undefined) return unknown;
    if (from === "kiln") return new NamespaceValue(name, this.m.kiln.values, "KILN2001");
    if (from.broken) return unknown;
    const members = [...from.exports].map(([key, inner]): [string, Static] => [key, from.scope.own(inner)?.value]);
    return new NamespaceValue(name, new Map(members), "KILN1005");
  }

  /** What "kiln" exports under a name, or under the one that was meant. */
  private fromKiln(name: string, node: ts.Node): Static {
    const { m } = this;
    const { values, types } = m.kiln;
    if (values.has(name)) return values.get(name);
    if (types.has(name)) return unknown;
    const near = suggest(name, [...values.keys(), ...types]);
    m.report("KILN2001", node, `"kiln" has no \`${name}\``, { help: didYouMean(near) });
    return near !== undefined && values.has(near) ? values.get(near) : unknown;
  }

  /** The file that an import names; undefined, and reported, where there is none. */
  private resolve(node: ts.Expression, file: ts.SourceFile, onlyTypes: boolean): Found {
    const name = (node as ts.StringLiteral).text;
    if (name === "kiln") return "kiln";
    if (!/^\.\.?\//.test(name)) {
      this.m.report("KILN1004", node, `a model file cannot import "${name}"`, {
        help: 'it imports from "kiln", and from other model files by a relative path, "./block"',
      });
      return undefined;
    }
    const path = joinPath(file.fileName, name);
    const candidates = [path, `${path}.ts`].filter((candidate) => candidate.endsWith(".ts"));
    const existing = candidates.find(
      (c) => this.loaded.get(c) || this.open.includes(c) || this.source.read(c) !== undefined,
    );
    if (existing === undefined) {
      this.m.report("KILN1004", node, `there is no file ${candidates.join(" or ")}`, {
        help: `"${name}" is looked for beside ${file.fileName}`,
      });
      return undefined;
    }
    if (onlyTypes) return undefined;
    if (this.open.includes(existing)) {
      const cycle = [...this.open.slice(this.open.indexOf(existing)), existing];
      this.m.report("KILN1006", node, `files import each other in a circle: ${cycle.join(" -> ")}`, {
        help: "move what both need into a file of its own",
      });
      return undefined;
    }
    return this.load(existing);
  }
}

type Found = Module | "kiln" | undefined;

/** A name that no variable has, for what passes through a file. */
const reexportName = (e: ts.ExportSpecifier) => ({ text: `export ${e.name.text}` });

/** The names that a file exports, with the names that its scope has them under. */
const exported = (file: ts.SourceFile): Pick<Module, "exports" | "types"> => {
  const exports = new Map<string, string>();
  const types = new Set<string>();
  for (const s of file.statements) {
    if (ts.isExportAssignment(s)) exports.set("default", "default");
    else if (ts.isExportDeclaration(s) && s.exportClause && ts.isNamedExports(s.exportClause)) {
      for (const e of s.exportClause.elements) {
        const inner = s.moduleSpecifier ? reexportName(e).text : (e.propertyName ?? e.name).text;
        if (!s.isTypeOnly && !e.isTypeOnly) exports.set(e.name.text, inner);
        else types.add(e.name.text);
      }
    }
    if (!ts.canHaveModifiers(s) || !ts.getModifiers(s)?.some((mod) => mod.kind === ts.SyntaxKind.ExportKeyword))
      continue;
    if (ts.isVariableStatement(s))
      for (const { name } of s.declarationList.declarations) for (const n of patternNames(name)) exports.set(n, n);
    else if (ts.isFunctionDeclaration(s)) {
      const isDefault = s.modifiers?.some((mod) => mod.kind === ts.SyntaxKind.DefaultKeyword);
      exports.set(isDefault ? "default" : s.name!.text, isDefault ? "default" : s.name!.text);
    } else if (ts.isInterfaceDeclaration(s) || ts.isTypeAliasDeclaration(s)) types.add(s.name.text);
  }
  return { exports, types };
};

/** What the parser has to say; a program of this one file that looks for no other. */
const syntaxErrors = (file: ts.SourceFile): readonly ts.DiagnosticWithLocation[] => {
  const host: ts.CompilerHost = {
    getSourceFile: (name) => (name === file.fileName ? file : undefined),
    getDefaultLibFileName: () => "",
    writeFile: () => undefined,
    getCurrentDirectory: () => "",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: (name) => name === file.fileName,
    readFile: () => undefined,
  };
  const options: ts.CompilerOptions = { noLib: true, noResolve: true, types: [], target: ts.ScriptTarget.ES2022 };
  return ts.createProgram([file.fileName], options, host).getSyntacticDiagnostics(file);
};

/** `./block` as seen from `models/x.ts`: `models/block`. */
const joinPath = (from: string, relative: string): string => {
  const parts = from.split("/").slice(0, -1);
  for (const part of relative.split("/")) {
    if (part === "..") {
      if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
      else parts.push("..");
    } else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
};
