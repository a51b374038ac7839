/** The data that the command line put into a page, as `htmlPage` of cli/page.ts writes it. */
export function pageData<T>(): T {
  return JSON.parse(document.getElementById("data")!.textContent!) as T;
}

/** What `pack` of cli/page.ts made smaller. */
export async function unpack<T>(packed: string): Promise<T> {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(text).json()) as T;
}
