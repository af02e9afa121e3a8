// SPDX-License-Identifier: Apache-2.0

// Package api answers one question: what does Rastau say over HTTP, to whom,
// and in which words does it refuse.
//
// Routes and roles stand in one table (routes.go), the way from errors to
// problem documents in another (problem.go, RFC 9457). Bodies are bounded before
// they are read and read strictly (RFC 8259, RFC 7578). Every verdict is
// answered with 200, because a bad signature is an answer; 4xx is for questions
// that cannot be read or may not be asked. openapi.json describes every route; the
// pages that show it to people, and one for each problem type, are the console's.
//
// Left out: TLS and listening (cmd), how signatures are judged (verifier), the
// workflow itself (licensing), who may call (account), login by password or
// certificate.
package api
