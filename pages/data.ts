/** The data that the command line put into a page, as `htmlPage` of cli/page.ts writes it. */
export function pageData<T>(): T {
  return JSON.parse(document.getElementById("data")!.textContent!) as T;
}
