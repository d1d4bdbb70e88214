/** What somebody filtered the queue by stays while they look at one of its rows. */
import type { QueueFilter } from "./ranking";

export const EVERYTHING: QueueFilter = {
  scope: "decide",
  severities: [],
  type: "",
  text: "",
  order: "value",
};

class QueueChoice {
  filter = $state<QueueFilter>({ ...EVERYTHING });
}

export const choice = new QueueChoice();
