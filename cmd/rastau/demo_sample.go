// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"

	"rastau/licensing"
)

// sampleFields fills the form of the passenger-transport regulation.
func sampleFields(a licensing.Applicant) json.RawMessage {
	fields := map[string]any{
		"subtypes": []string{"irregular-inter-oblast", "irregular-international"},
		"vehicles": []map[string]any{{"make": "Қаз-Автобус 12", "year": 2024, "plate": "001 DEM 01"}, {"make": "Жол-Микро 6", "year": 2025, "plate": "002 DEM 01"}},
		"consent":  true, "registrationDocument": "DEMO-77", "registrationDate": "2009-04-01",
	}
	if a.Kind == licensing.LegalEntity {
		fields["head"] = "ӘУЕЗҒАЛИ ӨРКЕН"
	}
	data, err := json.Marshal(fields)
	if err != nil {
		panic(err) // a map of constants always encodes
	}
	return data
}

// sampleAttachments is one scanned page, drawn here: a white sheet with a dark stripe.
func sampleAttachments() []licensing.NewAttachment {
	sheet := image.NewGray(image.Rect(0, 0, 210, 297))
	for y := range 297 {
		for x := range 210 {
			shade := uint8(255)
			if y > 30 && y < 40 && x > 20 && x < 190 {
				shade = 60
			}
			sheet.SetGray(x, y, color.Gray{Y: shade})
		}
	}
	var scan bytes.Buffer
	if err := png.Encode(&scan, sheet); err != nil {
		panic(err) // a picture in memory always encodes
	}
	return []licensing.NewAttachment{{Document: "qualification", Name: "біліктілік.png", Type: "image/png", Content: scan.Bytes()}}
}

// sampleChecklist is the officer's review of point C4.
func sampleChecklist() map[string]bool {
	return map[string]bool{"documents-match": true, "grounds": true}
}
