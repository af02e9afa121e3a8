// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rastau/internal/blob"
	"rastau/internal/pdf"
)

// checkAttachments holds every new attachment to its line of the regulation's list: name, type, size, and bytes that are what they
// say. An attachment without content is one that the old draft already has, named by its sha256. Which documents are asked for is
// for checkDocuments.
func (r *Regulation) checkAttachments(c Channel, old *Application, all []NewAttachment) ([]Attachment, error) {
	if len(all) > maxAttachments {
		return nil, badInput("attachments", "must not be more than %d", maxAttachments)
	}
	list := r.Documents
	if c == ChannelCentre {
		list = append(slices.Clone(list), consentDocument())
	}
	out := make([]Attachment, 0, len(all))
	total := int64(0)
	for i, at := range all {
		field := fmt.Sprintf("attachments.%d", i)
		one, err := attachment(list, field, old, at)
		if err != nil {
			return nil, err
		}
		if total += one.Size; total > maxAttached {
			return nil, badInput("attachments", "must not have more than %d bytes together", maxAttached)
		}
		out = append(out, one)
	}
	return out, nil
}

func attachment(list []Document, field string, old *Application, at NewAttachment) (none Attachment, _ error) {
	if len(at.Content) == 0 && at.SHA256 != "" && old != nil {
		j := slices.IndexFunc(old.Attachments, func(o Attachment) bool { return o.SHA256 == at.SHA256 && o.Document == at.Document })
		if j < 0 {
			return none, badInput(field+".sha256", "names no attachment of this draft: send its content")
		}
		return old.Attachments[j], nil
	}
	j := slices.IndexFunc(list, func(d Document) bool { return d.Key == at.Document })
	if j < 0 {
		return none, badInput(field+".document", "is not on the checklist of this service")
	}
	d := list[j]
	if err := checkLine(field+".name", at.Name, true); err != nil {
		return none, err
	}
	if strings.ContainsAny(at.Name, `/\`) {
		return none, badInput(field+".name", "must be a file name without folders")
	}
	if !slices.Contains(d.Types, at.Type) {
		return none, badInput(field+".type", "must be one of %s", strings.Join(d.Types, ", "))
	}
	if len(at.Content) == 0 || int64(len(at.Content)) > d.MaxBytes {
		return none, badInput(field+".content", "must have 1 to %d bytes", d.MaxBytes)
	}
	if err := blob.Scan(at.Type, at.Content); err != nil {
		return none, badInput(field+".content", "is not taken as %s: %v", at.Type, err)
	}
	if at.Type == blob.TypePDF {
		if err := openPDF(at.Content); err != nil {
			return none, badInput(field+".content", "is not taken as a PDF: %v; save or print it as a PDF anew and attach that", err)
		}
	}
	return Attachment{Document: at.Document, Name: at.Name, Type: at.Type, Size: int64(len(at.Content)), SHA256: digest(at.Content)}, nil
}

// pdfLimits bound the reading of an attached PDF: scans have few objects and large streams, which are not decompressed.
var pdfLimits = pdf.Limits{Objects: 50_000, Revisions: 50, Inflate: 16 << 20}

// openPDF: an officer will have to read it, so it must open, have pages, and hide no file in itself (also where it is compressed,
// which blob.Scan does not see).
func openPDF(content []byte) error {
	d, err := pdf.Open(content, pdfLimits)
	switch {
	case err != nil:
		return err
	case d.Pages() == 0:
		return errors.New("it has no page")
	case len(d.Attachments()) > 0:
		return errors.New("other files are hidden in it: attach each by itself")
	}
	return nil
}

// checkDocuments: what is attached is asked for, once where once is enough, and nothing required is missing.
func checkDocuments(checklist []Document, all []Attachment) error {
	count := map[string]int{}
	for i, at := range all {
		j := slices.IndexFunc(checklist, func(d Document) bool { return d.Key == at.Document })
		if j < 0 {
			return badInput(fmt.Sprintf("attachments.%d.document", i), "is not on the checklist of this service for this applicant")
		}
		if count[at.Document]++; count[at.Document] > 1 && !checklist[j].Many {
			return badInput(fmt.Sprintf("attachments.%d.document", i), "may be attached once only")
		}
	}
	for _, d := range checklist {
		if d.Required && count[d.Key] == 0 {
			return badInput("attachments", "the document %q is required: %s", d.Key, d.Name.EN)
		}
	}
	return nil
}

// keepAttachments makes the bytes of what is new durable, before the transaction that names them.
func (s *Service) keepAttachments(ctx context.Context, content []NewAttachment) error {
	var fresh [][]byte
	for _, at := range content {
		if len(at.Content) > 0 {
			fresh = append(fresh, at.Content)
		}
	}
	if err := s.o.Store.Keep(ctx, fresh...); err != nil {
		return fmt.Errorf("keeping the attachments: %w", err)
	}
	return nil
}

// putAttachments names the bytes of what is new.
func putAttachments(tx DraftTx, content []NewAttachment, kept []Attachment) error {
	for i, at := range content {
		if len(at.Content) == 0 {
			continue
		}
		sum, err := tx.PutBlob(at.Content)
		if err != nil {
			return err
		}
		if sum != kept[i].SHA256 {
			return fmt.Errorf("attachment %d changed on its way into the store", i+1)
		}
	}
	return nil
}
