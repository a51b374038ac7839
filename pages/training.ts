/** The page of `kiln train --dashboard` and `kiln report`: curves, filters, predictions. */
import { pageData } from "./data.ts";
import { listen } from "./training/live.ts";
import { emptyState, type PageData } from "./training/state.ts";
import { style } from "./training/style.ts";
import { TrainingView } from "./training/view.ts";

const data = pageData<PageData>();
document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
const view = new TrainingView();
document.body.append(view.root);
if ("state" in data) view.show(data.state);
else {
  view.show(emptyState(document.title.split(" · ")[0]));
  listen(data.events, view);
}
