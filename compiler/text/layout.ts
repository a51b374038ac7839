/** Lays text out on one line where it fits, else over several, breaking the outermost brackets first. */

/** A text, or items between brackets that may each stand on a line of their own. */
export type Doc = string | Block;

export interface Block {
  readonly open: string;
  readonly items: readonly Item[];
  readonly close: string;
  /** Columns on one line. */
  readonly width: number;
}

export interface Item {
  /** Between the item before and this one: ", " stays on the line before, anything else begins the new line. */
  readonly before: string;
  readonly doc: Doc;
}

const lineWidth = 118;

const widthOf = (doc: Doc): number => (typeof doc === "string" ? doc.length : doc.width);

export function block(open: string, items: readonly Item[], close: string): Block {
  const inner = items.reduce((sum, item) => sum + item.before.length + widthOf(item.doc), 0);
  return { open, items, close, width: open.length + inner + close.length };
}

export const oneLine = (doc: Doc): string =>
  typeof doc === "string"
    ? doc
    : doc.open + doc.items.map((item) => item.before + oneLine(item.doc)).join("") + doc.close;

/** `column` is where the text begins, `indent` where further lines do. */
export function lines(doc: Doc, indent: number, column = indent): string {
  if (typeof doc === "string" || column + doc.width <= lineWidth) return oneLine(doc);
  const inside = doc.close === "" ? indent : indent + 2;
  const newLine = `\n${" ".repeat(inside)}`;
  let text = doc.close === "" ? doc.open : doc.open.trimEnd();
  doc.items.forEach(({ before, doc: item }, i) => {
    if (i > 0 || doc.close !== "") text += before === ", " ? `,${newLine}` : newLine + before.trimStart();
    text += lines(item, inside);
  });
  return doc.close === "" ? text : `${text}\n${" ".repeat(indent)}${doc.close.trimStart()}`;
}
