/**
 * Writes `src/lib/api/generated/schema.ts` from what a tower says of itself:
 *
 *     npm run types -- http://127.0.0.1:8080
 *
 * Only what the API answers with and takes is typed; routes are few and written by hand in `src/lib/api/client.ts`.
 */
import { writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const tower = process.argv[2] ?? "http://127.0.0.1:8080";
const target = new URL("../src/lib/api/generated/schema.ts", import.meta.url);

const answer = await fetch(new URL("/openapi.json", tower));
if (!answer.ok) throw new Error(`${answer.url} answers ${answer.status}`);
const document = await answer.json();
// Event data is for those who send events; the console sends none.
const schemas = Object.fromEntries(
  Object.entries(document.components.schemas).filter(
    ([name]) => !name.includes(".") && name !== "CloudEvent",
  ),
);
const types = await openapiTS(
  { openapi: document.openapi, info: document.info, paths: {}, components: { schemas } },
  { rootTypes: true, rootTypesNoSchemaPrefix: true, alphabetize: true },
);
await writeFile(
  target,
  `// Written by tools/api-types.js from a tower's /openapi.json.\n\n${astToString(types)}`,
);
