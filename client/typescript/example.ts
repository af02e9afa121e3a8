// SPDX-License-Identifier: Apache-2.0
// Judges the file whose base64 comes in: node example.js URL TOKEN < FILE.base64
import { Problem, Rastau } from "./rastau.js";

declare const process: { argv: string[]; stdin: AsyncIterable<unknown> };

let document = "";
for await (const chunk of process.stdin) document += String(chunk);
const rastau = new Rastau(process.argv[2] ?? "", process.argv[3] ?? "");
try {
  const report = await rastau.verifySignature({ document: document.trim(), lang: "en" });
  console.log(report.indication, report.subIndication ?? "", report.intact ?? "");
  for (const signature of report.signatures ?? []) console.log(signature.signer?.iin ?? "nobody", signature.level);
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.log(error.problem.status, error.problem.code);
}
