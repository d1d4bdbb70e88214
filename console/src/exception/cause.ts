import { EXCEPTION_STATES_FINAL, type Exception } from "../lib/api/model";

/** The exception that one stands under, among those that are known; `undefined` if it stands under none that is open. */
export function openCauseOf(item: Exception, known: readonly Exception[]): Exception | undefined {
  if (item.group === null) return undefined;
  return known.find(
    ({ affected, state }) => affected?.key === item.group && !EXCEPTION_STATES_FINAL.includes(state),
  );
}
