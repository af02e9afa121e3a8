// SPDX-License-Identifier: Apache-2.0

package ncalayer

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/xmldsig"
)

// errStamp: a page asked for a time stamp where none can be had.
var errStamp = errors.New("time stamps are not at hand here")

// signAll signs what basics.sign was asked to sign, a single document or several.
func (d *Double) signAll(ctx context.Context, key Key, a basicsArgs) (object, *failure) {
	documents, several, err := dataOf(a.Data)
	if err != nil {
		return nil, &failure{codeParams, err.Error()}
	}
	var results []string
	for _, document := range documents {
		result, err := d.signOne(ctx, key, document, a)
		if err != nil {
			return nil, &failure{codeSigning, err.Error()}
		}
		results = append(results, result)
	}
	switch {
	case a.Format == "raw" || yes(a.SigningParams.OutputCert, false):
		return object{"result": object{"signatures": results, "certificate": pemOf("CERTIFICATE", key.Certificate.Raw)}}, nil
	case several:
		return object{"result": results}, nil
	}
	return object{"result": results[0]}, nil
}

func dataOf(raw json.RawMessage) (documents []string, several bool, err error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, false, nil
	}
	if err := json.Unmarshal(raw, &documents); err != nil || len(documents) == 0 {
		return nil, false, errors.New("data is a string, or several in an array")
	}
	return documents, true, nil
}

func (d *Double) signOne(ctx context.Context, key Key, document string, a basicsArgs) (string, error) {
	p := a.SigningParams
	if a.Format == "xml" {
		return d.signXML(ctx, key, document)
	}
	content := []byte(document)
	if yes(p.Decode, false) {
		var err error
		if content, err = base64.StdEncoding.DecodeString(document); err != nil {
			return "", errors.New("data is not base64")
		}
	}
	switch a.Format {
	case "cms":
		o := d.cmsOptions(key)
		o.Content, o.Detached = content, !yes(p.Encapsulate, true)
		if yes(p.Digested, false) {
			o.Content, o.Digest = nil, content
		}
		if len(p.TSAProfile) > 0 && string(p.TSAProfile) != "null" {
			o.Stamp = d.stamp
		}
		der, err := cms.Sign(ctx, o)
		return pemOf("CMS", der), err
	case "raw":
		signature, err := signRaw(key, content, yes(p.Digested, false))
		return base64.StdEncoding.EncodeToString(signature), err
	}
	return "", errors.New("format is cms, xml or raw")
}

// cmsOptions are what NCALayer writes: the certificate, its reference (ESS) and the claimed time.
func (d *Double) cmsOptions(key Key) cms.SignOptions {
	return cms.SignOptions{Key: key.Signer, Certificate: key.Certificate, Chain: key.Chain, SigningTime: d.o.Now().UTC()}
}

func (d *Double) stamp(ctx context.Context, signature []byte) ([]byte, error) {
	if d.o.Stamp == nil {
		return nil, errStamp
	}
	return d.o.Stamp(ctx, signature)
}

func (d *Double) signXML(ctx context.Context, key Key, document string) (string, error) {
	out, err := xmldsig.Sign(ctx, []byte(document), xmldsig.SignOptions{Key: key.Signer, Certificate: key.Certificate})
	return string(out), err
}

// signRaw is a signature value alone, over the key's own digest of the content.
func signRaw(key Key, content []byte, digested bool) ([]byte, error) {
	oid, err := cms.DigestOf(key.Signer.Public())
	if err != nil {
		return nil, err
	}
	digest := content
	if !digested {
		if digest, err = pki.Digest(oid, content); err != nil {
			return nil, err
		}
	}
	if size, err := pki.HashSize(oid); err != nil || len(digest) != size {
		return nil, errors.New("the digest is not of the key's algorithm")
	}
	var hash crypto.SignerOpts = crypto.Hash(0) // a national key takes the digest as it is
	if pki.HashName(oid) == "SHA-256" {
		hash = crypto.SHA256
	}
	return key.Signer.Sign(nil, digest, hash)
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
