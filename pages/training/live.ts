/** News of a training under way, by server-sent events. */
import { apply, type TrainingState, type Update } from "./state.ts";

export interface Listener {
  show(state: TrainingState): void;
  /** Whether the process that trains can be heard. */
  connected(isConnected: boolean): void;
}

/** Shows what comes; a connection that breaks is made again by the browser, and then begins with the whole state. */
export function listen(url: string, listener: Listener): void {
  const source = new EventSource(url);
  let state: TrainingState | null = null;
  source.addEventListener("snapshot", ({ data }) => {
    state = JSON.parse(data) as TrainingState;
    listener.connected(true);
    listener.show(state);
  });
  source.addEventListener("update", ({ data }) => {
    if (!state) return;
    apply(state, JSON.parse(data) as Update);
    listener.show(state);
  });
  source.addEventListener("end", () => source.close());
  source.addEventListener("error", () => listener.connected(false));
}
