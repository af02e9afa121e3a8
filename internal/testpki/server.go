// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/crypto/cryptobyte"

	"rastau/internal/pki"
)

// maxRequest bounds a request's body in bytes.
const maxRequest = 64 << 10

// Handler serves /crl/{ca}.crl, /ocsp/{ca} (POST, and GET as RFC 6960 Appendix A
// has it), /tsp and /cert/{ca}.cer. {ca} is CA.ID.
func (p *PKI) Handler() http.Handler { return http.HandlerFunc(p.serve) }

// serve splits the path by hand: ServeMux would clean the slashes that stand in
// the base64 of an OCSP GET.
func (p *PKI) serve(w http.ResponseWriter, r *http.Request) {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	switch kind {
	case "crl":
		p.serveCRL(w, rest)
	case "cert":
		p.serveCertificate(w, rest)
	case "ocsp":
		p.serveOCSP(w, r, rest)
	case "tsp":
		p.serveTSP(w, r)
	default:
		http.NotFound(w, r)
	}
}

// asked counts a request and tells which authority it is about and whether a kind is down.
func (p *PKI) asked(path, id string, down func(*CA) bool) (ca *CA, isDown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ca = p.cas[id]
	if ca == nil && path != "/tsp" { // paths nobody serves are not counted: the map stays bounded
		return nil, false
	}
	p.requests[path]++
	return ca, down(ca)
}

func (p *PKI) serveCRL(w http.ResponseWriter, name string) {
	ca, down := p.asked("/crl/"+name, strings.TrimSuffix(name, ".crl"), func(ca *CA) bool { return p.down.crl || ca.down.crl })
	switch {
	case ca == nil || !strings.HasSuffix(name, ".crl"):
		http.Error(w, "no such list", http.StatusNotFound)
	case down:
		unavailable(w)
	default:
		der, err := ca.CRL(CRLOptions{})
		reply(w, "application/pkix-crl", der, err)
	}
}

func (p *PKI) serveCertificate(w http.ResponseWriter, name string) {
	ca, _ := p.asked("/cert/"+name, strings.TrimSuffix(name, ".cer"), func(*CA) bool { return false })
	if ca == nil || !strings.HasSuffix(name, ".cer") {
		http.Error(w, "no such certificate", http.StatusNotFound)
		return
	}
	reply(w, "application/pkix-cert", ca.Certificate.Raw, nil)
}

func (p *PKI) serveOCSP(w http.ResponseWriter, r *http.Request, rest string) {
	id, encoded, _ := strings.Cut(rest, "/")
	ca, down := p.asked("/ocsp/"+id, id, func(ca *CA) bool { return p.down.ocsp || ca.down.ocsp })
	if ca == nil {
		http.Error(w, "no such responder", http.StatusNotFound)
		return
	}
	if down {
		unavailable(w)
		return
	}
	const contentType = "application/ocsp-response"
	der, err := requestBytes(r, encoded)
	if err != nil {
		reply(w, contentType, malformedRequest, nil)
		return
	}
	ids, nonce, err := readRequest(der)
	if err != nil {
		reply(w, contentType, malformedRequest, nil)
		return
	}
	o := OCSPOptions{Nonce: nonce}
	if p.archives() {
		cutoff, err := ca.archiveCutoff()
		if err != nil {
			reply(w, contentType, internalError, nil)
			return
		}
		o.SingleExtensions = []pki.Extension{cutoff}
	}
	answer, err := ca.answer(ids, ca.statusOf, o)
	if err != nil {
		answer = internalError
	}
	reply(w, contentType, answer, nil)
}

// archiveCutoff says that nothing was forgotten since the authority began (RFC 6960 §4.4.4).
func (c *CA) archiveCutoff() (pki.Extension, error) {
	var b cryptobyte.Builder
	b.AddASN1GeneralizedTime(c.Certificate.NotBefore.UTC())
	value, err := b.Bytes()
	return pki.Extension{OID: "1.3.6.1.5.5.7.48.1.6", Value: value}, err
}

// statusOf answers a client's CertID: another issuer's is unknown here.
func (c *CA) statusOf(id certID) (string, entry) {
	name, key := c.hashes(id.hash)
	if name == nil || !bytes.Equal(name, id.nameHash) || !bytes.Equal(key, id.keyHash) {
		return "unknown", entry{}
	}
	return c.status(id.serial)
}

func requestBytes(r *http.Request, encoded string) ([]byte, error) {
	if r.Method == http.MethodPost {
		return io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRequest))
	}
	text, err := url.PathUnescape(encoded)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(text)
}

func unavailable(w http.ResponseWriter) {
	http.Error(w, "switched off", http.StatusServiceUnavailable)
}

func reply(w http.ResponseWriter, contentType string, body []byte, err error) {
	if err != nil {
		http.Error(w, "cannot answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
}
