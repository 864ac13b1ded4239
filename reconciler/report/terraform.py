"""What readers of Terraform's documents look for before they read on."""

from typing import Final

FORMAT_VERSION: Final = "1.2"
"""The version of Terraform's plan representation."""
STATE_VERSION: Final = "1.0"
"""The version of what `terraform show -json` prints of a state."""
VALIDATE_VERSION: Final = "1.0"
"""The version of what `terraform validate -json` prints."""
UI_VERSION: Final = "1.2"
"""The version of Terraform's event stream."""
TERRAFORM_VERSION: Final = "1.11.0"
"""The release of Terraform whose representations ours follow: many readers take none without a release."""
PROVIDER: Final = "twilio"
"""The provider of all resources, as Terraform names one."""
