// SPDX-License-Identifier: Apache-2.0
// Makes schema.d.ts from the part of the service's description that judges.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const whole = JSON.parse(readFileSync(new URL("../../api/openapi.json", import.meta.url), "utf8"));
const paths = Object.fromEntries(
  ["/v1/signatures/verify", "/v1/certificates/verify", "/v1/licences/verify"].map((p) => [p, whole.paths[p]]),
);
const components = {};
// Everything that these paths refer to, and what that refers to.
const follow = (value) => {
  if (value === null || typeof value !== "object") return;
  if (typeof value.$ref === "string") {
    const [, , kind, name] = value.$ref.split("/");
    components[kind] ??= {};
    if (!(name in components[kind])) {
      components[kind][name] = whole.components[kind][name];
      follow(components[kind][name]);
    }
  }
  Object.values(value).forEach(follow);
};
follow(paths);
components.securitySchemes = whole.components.securitySchemes;
const types = await openapiTS({ openapi: whole.openapi, info: whole.info, paths, components });
writeFileSync(
  new URL("schema.d.ts", import.meta.url),
  "// SPDX-License-Identifier: Apache-2.0\n// Made by generate.js from api/openapi.json; do not edit.\n\n" + astToString(types),
);
