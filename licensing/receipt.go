// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"fmt"
	"time"

	"rastau/signer"
	"rastau/verifier"
)

// receiptDocument is what the licensor signs when an application comes in: the
// fact, the time and the sender (law on the electronic document, art. 7).
type receiptDocument struct {
	Schema    string          `json:"schema"`
	Number    string          `json:"number"`
	Service   string          `json:"service"`
	Operation string          `json:"operation"`
	Received  string          `json:"received"`
	Deadline  string          `json:"deadline"`
	Package   string          `json:"packageSHA256"`
	Signature string          `json:"signatureSHA256"`
	Signers   []receiptSigner `json:"signers"`
	Verdict   string          `json:"verdict"`
	Policy    string          `json:"policy"`
	Licensor  string          `json:"licensorBIN"`
}

type receiptSigner struct {
	Subject     string `json:"subject"`
	Serial      string `json:"serial"`
	Certificate string `json:"certificateSHA256"`
}

func (s *Service) receipt(ctx context.Context, r *Regulation, app *Application, signature []byte, report *verifier.Report) ([]byte, error) {
	doc := receiptDocument{
		Schema: schemaReceipt, Number: app.Number, Service: app.Service, Operation: app.Operation,
		Received: app.Registered.Format(time.RFC3339Nano), Deadline: app.Deadline.Format(time.RFC3339),
		Package: digest(app.Package), Signature: digest(signature), Verdict: report.Indication.String(),
		Policy: verifier.PolicyID + ":" + verifier.PolicyVersion, Licensor: r.Licensor.BIN, Signers: []receiptSigner{},
	}
	for _, sig := range report.Signatures {
		var who receiptSigner
		if sig.Signer != nil {
			who.Subject, who.Serial = sig.Signer.Subject, sig.Signer.Serial
		}
		if sig.Certificate != nil {
			who.Certificate = sig.Certificate.SHA256Hex()
		}
		doc.Signers = append(doc.Signers, who)
	}
	content, err := canonical(doc)
	if err != nil {
		return nil, err
	}
	signed, err := s.signer.JSON(ctx, content, signer.JSONOptions{Level: s.o.Levels.Receipt})
	if err != nil {
		return nil, fmt.Errorf("signing the receipt: %w", err)
	}
	return signed, nil
}
