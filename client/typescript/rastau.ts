// SPDX-License-Identifier: Apache-2.0
import type { components } from "./schema.js";

export type Report = components["schemas"]["Report"];
export type LicenceAnswer = components["schemas"]["LicenceAnswer"];
export type SignatureQuestion = components["schemas"]["SignatureQuestion"];
export type CertificateQuestion = components["schemas"]["CertificateQuestion"];
export type LicenceQuestion = components["schemas"]["LicenceQuestion"];

/** A refusal (RFC 9457): the question could not be read or may not be asked. A bad signature is none. */
export class Problem extends Error {
  constructor(readonly problem: components["schemas"]["Problem"]) {
    super(`${problem.status} ${problem.code}: ${problem.detail ?? problem.title}`);
  }
}

/** Asks one service. Bytes stand in base64; only TOTAL-PASSED is a yes. */
export class Rastau {
  constructor(readonly url: string, readonly token: string, readonly timeout = 90_000) {}

  /** Judges every signature of a document: CMS, PDF, XML. */
  verifySignature(question: SignatureQuestion): Promise<Report> {
    return this.ask("/v1/signatures/verify", question);
  }

  /** Judges one certificate. */
  verifyCertificate(question: CertificateQuestion): Promise<Report> {
    return this.ask("/v1/certificates/verify", question);
  }

  /** Says whether a licence, by its file or its number, is registered and in force. */
  verifyLicence(question: LicenceQuestion): Promise<LicenceAnswer> {
    return this.ask("/v1/licences/verify", question);
  }

  private async ask<T>(path: string, question: object): Promise<T> {
    const response = await fetch(this.url.replace(/\/+$/, "") + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", Authorization: `Bearer ${this.token}` },
      body: JSON.stringify(question),
      signal: AbortSignal.timeout(this.timeout),
      redirect: "error",
    });
    const answer = await response.json();
    if (response.status !== 200) throw new Problem(answer);
    return answer as T;
  }
}
