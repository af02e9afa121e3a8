// SPDX-License-Identifier: Apache-2.0

package ncalayer

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// storage is the only one that the double has.
const storage = "PKCS12"

// cancelledText is what commonUtils says of a closed window.
const cancelledText = "action.canceled"

// almaty is the zone in which commonUtils writes dates: UTC+5 since 2024.
var almaty = time.FixedZone("Asia/Almaty", 5*3600)

// common is the module commonUtils, the older one: code 200 with responseObject, or 500 with a message.
func (d *Double) common(ctx context.Context, method string, raw json.RawMessage, n Next) object {
	var args []json.RawMessage
	if len(raw) > 0 && json.Unmarshal(raw, &args) != nil {
		return refused(errArguments, method)
	}
	out, err := d.commonMethod(ctx, method, args, n)
	if err != nil {
		return refused(err, method)
	}
	return object{"code": "200", "responseObject": out}
}

var errArguments = errors.New("argument type mismatch")

func refused(err error, method string) object {
	message := err.Error()
	if errors.Is(err, errArguments) {
		message = "java.lang.IllegalArgumentException: argument type mismatch. Method: " + method
	}
	return object{"code": "500", "message": message}
}

// texts reads a method's first arguments as strings.
func texts(args []json.RawMessage, count int) ([]string, error) {
	out := make([]string, count)
	for i := range out {
		if i >= len(args) || json.Unmarshal(args[i], &out[i]) != nil {
			return nil, errArguments
		}
	}
	return out, nil
}

func (d *Double) commonMethod(ctx context.Context, method string, args []json.RawMessage, n Next) (any, error) {
	switch method {
	case "getActiveTokens":
		return []string{}, nil // tokens beside the files: none
	case "changeLocale":
		_, err := texts(args, 1)
		return nil, err
	case "getKeyInfo", "createCAdESFromBase64", "createCAdESFromBase64Hash", "createCMSSignatureFromBase64", "applyCAdEST", "signXml", "signXmls":
	default:
		return nil, fmt.Errorf("java.lang.NoSuchMethodException: %s", method)
	}
	switch n.Fault {
	case Cancelled:
		return nil, errors.New(cancelledText)
	case Failing:
		return nil, errors.New("the fault that was ordered")
	}
	if method == "getKeyInfo" {
		if _, err := texts(args, 1); err != nil {
			return nil, err
		}
		key, err := d.ofKind("", n.Key)
		if err != nil {
			return nil, err
		}
		return keyInfo(key), nil
	}
	given, err := texts(args, 2) // storage, kind of key
	if err != nil {
		return nil, err
	}
	key, err := d.ofKind(given[1], n.Key)
	if err != nil {
		return nil, err
	}
	return d.commonSign(ctx, method, key, args[2:])
}

// ofKind is the key that was named, or the first of a kind: SIGNATURE, AUTHENTICATION, anything else for any.
func (d *Double) ofKind(kind, named string) (Key, error) {
	for _, k := range d.o.Keys {
		fits := kind != "SIGNATURE" && kind != "AUTHENTICATION" ||
			kind == "SIGNATURE" && k.Certificate.HasExtKeyUsage(pki.OIDEmailProtection) || kind == "AUTHENTICATION" && k.Certificate.HasExtKeyUsage(pki.OIDClientAuth)
		if fits && (named == "" || k.Alias == named) {
			return k, nil
		}
	}
	return Key{}, errors.New("no key here is of this kind")
}

func (d *Double) commonSign(ctx context.Context, method string, key Key, args []json.RawMessage) (any, error) {
	if method == "signXml" || method == "signXmls" {
		for i := 1; i < len(args); i++ {
			var path string
			if json.Unmarshal(args[i], &path) != nil {
				return nil, errArguments
			}
			if path != "" {
				return nil, errors.New("only whole documents are signed here: leave the two XPaths empty")
			}
		}
	}
	if method == "signXmls" {
		var documents, out []string
		if len(args) == 0 || json.Unmarshal(args[0], &documents) != nil {
			return nil, errArguments
		}
		for _, document := range documents {
			signed, err := d.signXML(ctx, key, document)
			if err != nil {
				return nil, err
			}
			out = append(out, signed)
		}
		return out, nil
	}
	given, err := texts(args, 1)
	if err != nil {
		return nil, err
	}
	if method == "signXml" {
		return d.signXML(ctx, key, given[0])
	}
	content, err := base64.StdEncoding.DecodeString(given[0])
	if method == "applyCAdEST" {
		if block, _ := pem.Decode([]byte(given[0])); block != nil {
			content, err = block.Bytes, nil
		}
	}
	if err != nil {
		return nil, errors.New("the content is not base64")
	}
	o := d.cmsOptions(key)
	switch method {
	case "applyCAdEST":
		return d.addStamp(ctx, content)
	case "createCAdESFromBase64Hash":
		o.Digest = content
	default:
		var attached bool
		if len(args) < 2 || json.Unmarshal(args[1], &attached) != nil {
			return nil, errArguments
		}
		o.Content, o.Detached = content, !attached
		if method == "createCMSSignatureFromBase64" {
			o.Stamp = d.stamp
		}
	}
	der, err := cms.Sign(ctx, o)
	return base64.StdEncoding.EncodeToString(der), err
}

// addStamp adds a time stamp to the only signature of a message.
func (d *Double) addStamp(ctx context.Context, der []byte) (any, error) {
	message, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		return nil, err
	}
	if len(message.Signers) != 1 {
		return nil, errors.New("the message has not one signature")
	}
	token, err := d.stamp(ctx, message.Signers[0].Signature)
	if err != nil {
		return nil, err
	}
	out, err := message.AddUnsigned(0, cms.Attribute{Type: pki.OIDSignatureTimeStamp, Values: [][]byte{token}})
	return base64.StdEncoding.EncodeToString(out), err
}

// keyInfo describes a key as getKeyInfo does.
func keyInfo(k Key) object {
	c := k.Certificate
	date := func(t time.Time) string { return t.In(almaty).Format("02.01.2006 15:04:05") }
	return object{
		"alias": k.Alias, "keyId": hex.EncodeToString(c.SubjectKeyID), "algorithm": pki.AlgorithmName(c.PublicKey.Algorithm),
		"subjectCn": pki.HolderOf(c).CommonName, "subjectDn": c.Subject.String(), "issuerCn": c.Issuer.First(pki.OIDCommonName), "issuerDn": c.Issuer.String(),
		"serialNumber": c.SerialHex(), "certNotBefore": date(c.NotBefore), "certNotAfter": date(c.NotAfter),
		"authorityKeyIdentifier": hex.EncodeToString(c.AuthorityKeyID), "pem": pemOf("CERTIFICATE", c.Raw),
	}
}
