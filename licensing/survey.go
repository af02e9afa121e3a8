// SPDX-License-Identifier: Apache-2.0

package licensing

// Indicators that the survey measures (R123).
const (
	IndicatorQuality       = "quality"
	IndicatorAccessibility = "accessibility"
)

var indicators = []string{IndicatorQuality, IndicatorAccessibility}
