"""What the provider of the tests says about a person. `oidc_server` names this class in its settings."""

from oauth2_provider.oauth2_validators import OAuth2Validator


class Validator(OAuth2Validator):
    oidc_claim_scope = None

    def get_additional_claims(self, request):
        user = request.user
        return {"preferred_username": user.username, "roles": [role for role in user.first_name.split(",") if role]}
