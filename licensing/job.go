// SPDX-License-Identifier: Apache-2.0

package licensing

import "rastau/internal/outbox"

// Jobs are the handlers, by kind, of what the workflow has to do later by
// itself. Each finds out from the register whether it has still to be done.
func (s *Service) Jobs() map[string]outbox.Handler {
	return map[string]outbox.Handler{}
}
