"""The identity at Google Cloud that tokens are asked for with: a service account's key file, or gcloud's log-in.

Source: https://cloud.google.com/docs/authentication/application-default-credentials (where the files are) and
https://google.aip.dev/auth/4110 (the order, and what the files hold).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from meshwright.kernel.config.tables import ProviderSettings
from meshwright.kernel.identity.credential import Credential, home, read_file
from meshwright.net.grants import Grant

ADDRESS = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_WORDS = {
    "GOOGLE_VERTEX_PROJECT": ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"),
    "GOOGLE_VERTEX_LOCATION": ("GOOGLE_CLOUD_LOCATION", "CLOUD_ML_REGION"),
}


class _File(msgspec.Struct):
    type: str = ""
    project_id: str = ""
    quota_project_id: str = ""
    private_key_id: str = ""
    private_key: str = ""
    client_email: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    token_uri: str = ""


def google_filling(environment: Mapping[str, str], project: str = "") -> dict[str, str]:
    """Parts of an address that Google's own tools have under other names; `project` is the credential's."""
    found = {"GOOGLE_VERTEX_PROJECT": project} if project else {}
    for name, others in _WORDS.items():
        told = next((value for one in (name, *others) if (value := environment.get(one, "").strip())), "")
        found |= {name: told} if told else {}
    return found


def google_identity(settings: ProviderSettings, environment: Mapping[str, str], key_env: str) -> Credential:
    """From `key_file`, else $GOOGLE_APPLICATION_CREDENTIALS, else gcloud's application default credentials."""
    path = _path(settings, environment)
    if path is None:
        return Credential(missing=f"no key: set {_FILE}, or {key_env}, or run: gcloud auth application-default login")
    try:
        found = msgspec.json.decode(read_file(path), type=_File)
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors; they name the member and not its value
        return Credential(missing=f"{path} is no file of Google credentials ({error})")
    url = settings.token_url or found.token_uri or ADDRESS
    # Such files are passed around: one that somebody else wrote must not lead us to an address of his.
    if not settings.token_url and not _googles(url):
        return Credential(missing=f"{path} names a token address outside googleapis.com: set token_url if it is right")
    scope = settings.token_scope or SCOPE
    grant = Grant(url=url, client_id="", scope=scope, proxy=settings.proxy, ca_file=settings.ca_file)
    if found.type == "service_account" and found.client_email and found.private_key:
        grant = msgspec.structs.replace(
            grant, client_id=found.client_email, private_key=found.private_key, key_id=found.private_key_id
        )
        source = f"the service account of {path}"
    elif found.type == "authorized_user" and found.client_id and found.refresh_token:
        grant = msgspec.structs.replace(
            grant,
            client_id=found.client_id,
            client_secret=found.client_secret,
            refresh_token=found.refresh_token,
        )
        source = f"gcloud's log-in in {path}"
    else:
        kind = found.type if found.type.isidentifier() else "nothing that is known"
        return Credential(
            missing=f"{path} holds {kind[:60]}: a whole service_account or authorized_user is wanted, "
            f"or a token in {key_env}"
        )
    filling = google_filling(environment, found.project_id or found.quota_project_id)
    pays = found.quota_project_id if found.quota_project_id.isprintable() else ""
    headers = {"x-goog-user-project": pays} if pays else {}
    return Credential(identity=grant, source=source, filling=filling, headers=headers)


def _path(settings: ProviderSettings, environment: Mapping[str, str]) -> Path | None:
    told = settings.key_file or environment.get(_FILE, "")
    if told:
        return Path(told).expanduser()
    folder = home(environment)
    gcloud = environment.get("CLOUDSDK_CONFIG", "")
    place = Path(gcloud) if gcloud else folder / ".config" / "gcloud" if folder is not None else None
    file = place / "application_default_credentials.json" if place is not None else None
    return file if file is not None and file.is_file() else None


def _googles(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, plain = parts.hostname or "", parts.port in (None, 443) and "@" not in parts.netloc
    except ValueError:
        return False
    return parts.scheme == "https" and plain and (host == "googleapis.com" or host.endswith(".googleapis.com"))
