/** A refusal (RFC 9457): the question could not be read or may not be asked. A bad signature is none. */
export class Problem extends Error {
    problem;
    constructor(problem) {
        super(`${problem.status} ${problem.code}: ${problem.detail ?? problem.title}`);
        this.problem = problem;
    }
}
/** Asks one service. Bytes stand in base64; only TOTAL-PASSED is a yes. */
export class Rastau {
    url;
    token;
    timeout;
    constructor(url, token, timeout = 90_000) {
        this.url = url;
        this.token = token;
        this.timeout = timeout;
    }
    /** Judges every signature of a document: CMS, PDF, XML. */
    verifySignature(question) {
        return this.ask("/v1/signatures/verify", question);
    }
    /** Judges one certificate. */
    verifyCertificate(question) {
        return this.ask("/v1/certificates/verify", question);
    }
    /** Says whether a licence, by its file or its number, is registered and in force. */
    verifyLicence(question) {
        return this.ask("/v1/licences/verify", question);
    }
    async ask(path, question) {
        const response = await fetch(this.url.replace(/\/+$/, "") + path, {
            method: "POST",
            headers: { "Content-Type": "application/json", Accept: "application/json", Authorization: `Bearer ${this.token}` },
            body: JSON.stringify(question),
            signal: AbortSignal.timeout(this.timeout),
            redirect: "error",
        });
        const answer = await response.json();
        if (response.status !== 200)
            throw new Problem(answer);
        return answer;
    }
}
