// Validates an AsyncAPI document: node asyncapi_validate.cjs FILE. Warnings are shown, errors fail.
const { readFileSync } = require("node:fs");
const { Parser } = require("@asyncapi/parser");

const ERROR = 0;

new Parser().parse(readFileSync(process.argv[2], "utf8")).then(({ document, diagnostics }) => {
  for (const found of diagnostics) {
    console.log(`${found.severity === ERROR ? "error" : "warning"} ${found.code} at ${found.path.join(".")}: ${found.message}`);
  }
  process.exit(document && diagnostics.every((found) => found.severity !== ERROR) ? 0 : 1);
});
