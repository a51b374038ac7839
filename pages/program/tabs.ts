/** A tab of the page. */
export interface Tab {
  /** In the address. */
  readonly name: string;
  readonly title: string;
  readonly element: HTMLElement;
  /** It comes to the front. */
  shown(): void;
  /** Another thing was selected. */
  changed(): void;
}
