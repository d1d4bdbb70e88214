/** Where the story stands. */
import type { TourState, TourStep } from "./control";

/** Which step comes next: the first that is not done. */
export function currentStep(state: TourState): TourStep | null {
  return state.steps.find((step) => step.state !== "done") ?? null;
}

/** The step in which the plug is pulled, if the story has one. */
export function isPlugStep(step: TourStep): boolean {
  return step.id.includes("plug");
}
