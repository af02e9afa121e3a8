// SPDX-License-Identifier: Apache-2.0
// Made by generate.js from api/openapi.json; do not edit.

export interface paths {
    "/v1/signatures/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Judge every signature of a document
         * @description The anchors are this installation's own.
         */
        post: operations["verifySignature"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/certificates/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Judge a certificate
         * @description The anchors are this installation's own.
         */
        post: operations["verifyCertificate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/licences/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Is this licence genuine
         * @description The file's signature is judged and the register is asked: the same file, in force, signed by someone entitled.
         */
        post: operations["verifyLicence"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        SignatureQuestion: {
            /** @description The signed file: CMS or CAdES (DER, PEM, base64) or PDF. */
            document: string;
            /** @description Detached content. */
            content?: string;
            /** @description Digest of the detached content instead of it. */
            contentDigest?: string;
            /**
             * Format: date-time
             * @description The time judged. Without it: the clock, and the report says so.
             */
            at?: string;
            /** @description Expected IIN of the holder. */
            iin?: string;
            /** @description Expected BIN of the holder. */
            bin?: string;
            /**
             * @description The capacity in which the holder must be able to act.
             * @enum {string}
             */
            applicant?: "natural-person" | "sole-entrepreneur" | "joint-enterprise" | "legal-entity" | "head" | "right-to-sign" | "finance" | "hr" | "employee" | "branch" | "information-system" | "operator" | "authorised-person";
            /**
             * @description What the certificate must be for.
             * @enum {string}
             */
            purpose?: "sign" | "auth" | "any";
            /**
             * @description none: revocation is not asked, and the report says so.
             * @enum {string}
             */
            revocation?: "require" | "none";
            /**
             * @description How old revocation data may be, as Go writes durations.
             * @example 168h
             */
            maxAge?: string;
            /**
             * @description Language of the findings. Without it: Accept-Language, else English.
             * @enum {string}
             */
            lang?: "kk" | "ru" | "en";
            /**
             * @description legacy: the mathematics alone, for old archives.
             * @enum {string}
             */
            algorithms?: "default" | "legacy";
        };
        /** @description A verdict. It is answered with 200 whatever it says. */
        Report: {
            file?: string;
            /** @enum {string} */
            format: "cms" | "pdf" | "xml" | "none" | "certificate";
            indication: components["schemas"]["Indication"];
            subIndication: string | null;
            /** @description Of a document: the bytes as shown are what was signed, whatever the trust. */
            intact?: boolean | null;
            /** @description Of a document. */
            signatures?: components["schemas"]["SignatureReport"][];
            /** @description Of a certificate: who it names, its period, algorithms and SHA-256. */
            certificate?: Record<string, never> | null;
            findings: components["schemas"]["Finding"][];
            /**
             * Format: date-time
             * @description Of TRY_LATER: when to ask again.
             */
            retryAfter: string | null;
            time: {
                /** Format: date-time */
                value?: string;
                /** @enum {string} */
                source?: "clock" | "given";
            };
            policy: {
                id?: string;
                version?: string;
                algorithms?: string;
            };
        };
        /**
         * @description EN 319 102-1 §5.1.3.
         * @enum {string}
         */
        Indication: "TOTAL-PASSED" | "TOTAL-FAILED" | "INDETERMINATE";
        SignatureReport: {
            /** @description Of a PDF. */
            field?: string;
            indication: components["schemas"]["Indication"];
            subIndication: string | null;
            intact: boolean | null;
            signer: components["schemas"]["Person"] | null;
            /**
             * Format: date-time
             * @description Proven by a timestamp.
             */
            signingTime: string | null;
            /**
             * Format: date-time
             * @description Claimed by the signer; proves nothing.
             */
            claimedTime: string | null;
            /** @enum {string} */
            level: "B" | "T" | "LT" | "LTA" | "none";
            /** @description Of XML: what of the document it covers. Nobody signed what is not in signed. */
            scope?: {
                /** @description The document, or paths of elements. */
                signed: string[];
                /** @description What else the document shows. */
                unsigned: string[];
                /** @description The elements that hold what was signed. */
                around: string[];
                /** @description Declared in what was signed, and not signed: no name uses them. */
                prefixes: string[];
            };
            findings: components["schemas"]["Finding"][];
            /** Format: date-time */
            retryAfter: string | null;
        };
        Person: {
            subject: string;
            issuer: string;
            serial: string;
            iin: string | null;
            bin: string | null;
        };
        Finding: {
            /**
             * @description Stable.
             * @example cert.revocation
             */
            key: string;
            /** @enum {string} */
            outcome: "pass" | "warn" | "unknown" | "fail" | "not-applicable";
            citation: string;
            detail: string;
            evidence: string[];
        };
        /** @description RFC 9457. */
        Problem: {
            /**
             * Format: uri-reference
             * @description Address of the page that explains this problem, relative to the service.
             */
            type: string;
            title: string;
            status: number;
            detail?: string;
            /** @description Stable; programs act on it. All codes stand at /problems. */
            code: string;
            /** @description The value that is not acceptable. */
            field?: string;
            message?: components["schemas"]["Message"];
            /** @description For whoever runs the service. */
            requestId: string;
        };
        /** @description What a person is told and what to do next. */
        Message: {
            /** @description M1 to M6 of the regulation, registered, or later. */
            code: string;
            reason: string;
            text: components["schemas"]["Text"];
            next: components["schemas"]["Text"];
        };
        /** @description One text in three languages. */
        Text: {
            kk: string;
            ru: string;
            en: string;
        };
        CertificateQuestion: {
            /** @description DER or PEM. */
            certificate: string;
            /**
             * Format: date-time
             * @description The time judged. Without it: the clock, and the report says so.
             */
            at?: string;
            /** @description Expected IIN of the holder. */
            iin?: string;
            /** @description Expected BIN of the holder. */
            bin?: string;
            /**
             * @description The capacity in which the holder must be able to act.
             * @enum {string}
             */
            applicant?: "natural-person" | "sole-entrepreneur" | "joint-enterprise" | "legal-entity" | "head" | "right-to-sign" | "finance" | "hr" | "employee" | "branch" | "information-system" | "operator" | "authorised-person";
            /**
             * @description What the certificate must be for.
             * @enum {string}
             */
            purpose?: "sign" | "auth" | "any";
            /**
             * @description none: revocation is not asked, and the report says so.
             * @enum {string}
             */
            revocation?: "require" | "none";
            /**
             * @description How old revocation data may be, as Go writes durations.
             * @example 168h
             */
            maxAge?: string;
            /**
             * @description Language of the findings. Without it: Accept-Language, else English.
             * @enum {string}
             */
            lang?: "kk" | "ru" | "en";
            /**
             * @description legacy: the mathematics alone, for old archives.
             * @enum {string}
             */
            algorithms?: "default" | "legacy";
        };
        /** @description A file, a number, or both. */
        LicenceQuestion: {
            /** @description The licence's file: PDF or CAdES. */
            document?: string;
            /** @description The licence's number. */
            number?: string;
            /**
             * @description kk, ru or en
             * @enum {string}
             */
            lang?: "kk" | "ru" | "en";
        };
        LicenceAnswer: {
            verdict: components["schemas"]["Report"] | null;
            licence: components["schemas"]["LicenceCheck"];
        };
        LicenceCheck: {
            number?: string;
            registered: boolean;
            /** @description The file's digest is the registered one; false where no file was given. */
            sameFile: boolean;
            inForce: boolean;
            state?: components["schemas"]["LicenceState"];
            /** @description Signed with a key listed for that licensor on that date; null where it cannot be told. */
            entitled: boolean | null;
            why: components["schemas"]["Text"];
        };
        /** @enum {string} */
        LicenceState: "issued" | "re-issued" | "suspended" | "resumed" | "terminated";
    };
    responses: {
        /** @description A problem document. */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    verifySignature: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /** @example {
                 *       "document": "bm90IGEgc2lnbmF0dXJl",
                 *       "purpose": "sign",
                 *       "lang": "kk"
                 *     } */
                "application/json": components["schemas"]["SignatureQuestion"];
                "multipart/form-data": {
                    /** Format: binary */
                    document: string;
                    /** Format: binary */
                    content?: string;
                    contentDigest?: string;
                    at?: string;
                    iin?: string;
                    bin?: string;
                    purpose?: string;
                    revocation?: string;
                    maxAge?: string;
                    lang?: string;
                    algorithms?: string;
                };
            };
        };
        responses: {
            /** @description The answer; with Accept: application/xml the validation report of ETSI TS 119 102-2. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                    "application/xml": string;
                };
            };
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    verifyCertificate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /** @example {
                 *       "certificate": "bm90IGEgY2VydGlmaWNhdGU=",
                 *       "at": "2026-04-15T00:00:00Z",
                 *       "purpose": "auth"
                 *     } */
                "application/json": components["schemas"]["CertificateQuestion"];
                "multipart/form-data": {
                    /** Format: binary */
                    certificate: string;
                    at?: string;
                    iin?: string;
                    bin?: string;
                    purpose?: string;
                    revocation?: string;
                    maxAge?: string;
                    lang?: string;
                    algorithms?: string;
                };
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    verifyLicence: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /** @example {
                 *       "number": "KZ18ZZZ00000001"
                 *     } */
                "application/json": components["schemas"]["LicenceQuestion"];
                "multipart/form-data": {
                    /** Format: binary */
                    document: string;
                    number?: string;
                    lang?: string;
                };
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LicenceAnswer"];
                };
            };
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
}
