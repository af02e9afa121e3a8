// The error summary takes the focus, so that whoever cannot see it hears it first.
const summary = document.querySelector('.govuk-error-summary');
if (summary) summary.focus();
