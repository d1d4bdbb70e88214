/** Waits that end as soon as they can. Nothing here measures time: the limit only ends what would never come. */

const WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 100;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Asks until the answer is neither `false` nor nothing; the answer. */
export async function eventually(what, ask, withinMs = WITHIN_MS) {
  const deadline = Date.now() + withinMs;
  let last;
  do {
    try {
      const answer = await ask();
      if (answer !== false && answer !== undefined && answer !== null) return answer;
      last = `the answer was ${answer}`;
    } catch (error) {
      last = error;
    }
    await sleep(LOOK_EVERY_MS);
  } while (Date.now() < deadline);
  throw new Error(`${what}: never; at last: ${last?.stack ?? last}`);
}
