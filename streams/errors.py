"""
The errors that a user can be shown.

This module imports no other module of the project, so every other module can import it. A message names the wrong value
and says what is allowed. A message about an event says where the event is, which of its fields is wrong and what type
is expected, but never quotes a value from the event.
"""

__all__ = [
    "ActionInvalid",
    "ActionUnknown",
    "AuditUnavailable",
    "BackupFailed",
    "BackupInvalid",
    "BrokerUnavailable",
    "BuildFailed",
    "CafError",
    "ContractRefused",
    "CoverageInvalid",
    "CoverageUnknown",
    "DisclosureUnsafe",
    "ErasureInvalid",
    "ErasureUnfinished",
    "ErasureWaits",
    "FileTaken",
    "HoldUnknown",
    "ImportFileInvalid",
    "LakeConflict",
    "LakeUnavailable",
    "LineageUnknown",
    "LockTaken",
    "LoginRefused",
    "LoginUnavailable",
    "LoginsTooMany",
    "MachineUnfit",
    "MartsHeld",
    "NothingBuilt",
    "OracleMissing",
    "PartSilent",
    "PartnerLeftOut",
    "PartnersInvalid",
    "PartsDisagree",
    "PlaceLost",
    "PortTaken",
    "PublicationInvalid",
    "PublishedFileInvalid",
    "RestoreRefused",
    "RoleMissing",
    "RulesInvalid",
    "SettingInvalid",
    "SparkUnavailable",
    "StackFailed",
    "SubjectUnclear",
    "SubjectUnknown",
    "SuiteInvalid",
    "ThresholdInvalid",
    "TopicsUnfit",
    "UnknownEventType",
    "UnknownMeasure",
    "UnknownRule",
    "UnknownTopic",
    "WatchSilent",
]


class CafError(Exception):
    """Base of every error that a user can be shown as one sentence."""


class SettingInvalid(CafError):
    """An environment variable or option has a value that is not allowed."""


class UnknownTopic(CafError):
    """No contract is registered for a topic."""


class UnknownEventType(CafError):
    """No contract is registered for an event type."""


class AuditUnavailable(CafError):
    """What somebody wants to see or do cannot be recorded, so it is not shown or done."""


class BrokerUnavailable(CafError):
    """No Kafka broker answers at the configured address."""


class TopicsUnfit(CafError):
    """A topic has settings that would break a guarantee."""


class RecordsDeleted(CafError):
    """Kafka deleted records before they were read."""


class LakeUnavailable(CafError):
    """The lake's catalog or data folder cannot be reached."""


class FileTaken(CafError):
    """A file cannot be created at the chosen path."""


class ErasureInvalid(CafError):
    """An erasure is asked for, approved or taken back in a way that is not allowed, or a legal hold stops it."""


class ErasureWaits(CafError):
    """An erasure cannot go on, because a part or a consumer group has not read some records yet."""


class ErasureUnfinished(CafError):
    """An erasure has not reached every store. The next run goes on with it."""


class HoldUnknown(CafError):
    """The hold to be released does not exist."""


class CoverageInvalid(CafError):
    """A statement of coverage has an invalid authority or period, an unknown kind of figures, or no reason."""


class CoverageUnknown(CafError):
    """The statement of coverage to be removed does not exist."""


class PublicationInvalid(CafError):
    """Publication cannot begin with this quarter."""


class PublishedFileInvalid(CafError):
    """A file of published figures has no known layout, or contains something that is not a figure."""


class ImportFileInvalid(CafError):
    """A file to be imported does not have the expected format, or ends early."""


class LakeConflict(CafError):
    """Another process has landed the same offsets, or a topic now ends before an offset that has already landed."""


class LineageUnknown(CafError):
    """The columns that a rule reads cannot be found in its SQL."""


class LockTaken(CafError):
    """Another process holds the lock that this process needs."""


class LoginRefused(CafError):
    """The OpenID Connect provider, or the check of what it sent, does not let somebody in."""


class LoginsTooMany(CafError):
    """Too many logins with a name, or from an address, have failed."""


class LoginUnavailable(CafError):
    """The OpenID Connect provider does not answer, or does not answer as a provider."""


class MachineUnfit(CafError):
    """The machine, or the home (the folder of all state), lacks what the system needs to start."""


class BackupFailed(CafError):
    """A backup could not be made. Earlier backups are as they were."""


class BackupInvalid(CafError):
    """A backup is missing, incomplete or altered, needs another key, or was made by a newer version."""


class RestoreRefused(CafError):
    """A restore would overwrite something, is not finished, or another installation still uses the broker."""


class ContractRefused(CafError):
    """The contract does not accept an event that this system itself made."""


class NothingBuilt(CafError):
    """There are no marts yet."""


class DisclosureUnsafe(CafError):
    """Publishing the figures would let readers work out withheld figures."""


class BuildFailed(CafError):
    """dbt could not build the marts, or one of their tests failed."""


class MartsHeld(CafError):
    """A batch-level expectation failed. The new marts are held, and the last good marts stay published."""


class PortTaken(CafError):
    """A port that a server needs is in use."""


class ActionInvalid(CafError):
    """The contract does not allow an action on an alert."""


class ActionUnknown(CafError):
    """Nobody has acknowledged or closed the alert, so there is no action to undo."""


class AlertUnknown(CafError):
    """No alert has the id that was asked for."""


class OracleMissing(CafError):
    """The oracle is not installed, so rules cannot be compared with it. The oracle belongs to the tests."""


class PolicyInvalid(CafError):
    """A policy is unreadable, or names something that a policy must not name."""


class PartnerLeftOut(CafError):
    """What some partners send is not passed on, because of their topics' settings or an unknown place in them."""


class PartnersInvalid(CafError):
    """The table of partners is missing, or one of its lines has a value that is not allowed."""


class PlaceLost(CafError):
    """A part has read a topic before, and Kafka does not know how far."""


class RetentionInvalid(CafError):
    """The retention schedule is missing, or one of its lines has a value that is not allowed."""


class ReplayIncomplete(CafError):
    """Some records could not be sent again. All other records were sent."""


class RoleMissing(LoginRefused):
    """The OpenID Connect provider knows a person, but gives the person no role on the pages."""


class RouteInvalid(CafError):
    """A route has a value that its column does not allow."""


class RulesInvalid(CafError):
    """The alert rules cannot be compiled, or the register of rules does not match the models."""


class SparkUnavailable(CafError):
    """Spark, its Java or its master is missing."""


class StackFailed(CafError):
    """A server that the stack started did not become healthy, or has stopped."""


class ThresholdInvalid(CafError):
    """The threshold to try does not belong to the rule, or its value is not allowed."""


class UnknownMeasure(CafError):
    """No measure has the key that was asked for."""


class UnknownRule(CafError):
    """No rule has the name that was asked for."""


class SubjectUnclear(CafError):
    """The id that was asked about is used for a person and for a family."""


class SubjectUnknown(CafError):
    """Nothing is held about the person or family that was asked about."""


class SuiteInvalid(CafError):
    """Great Expectations cannot evaluate an expectation of a suite."""


class PartsDisagree(CafError):
    """A check found a difference, for example an offset without a row, or an alert that was rebuilt differently."""


class PartSilent(CafError):
    """A part has stopped doing its work."""


class WatchSilent(CafError):
    """The watcher has sent no heartbeat, or raised no alert, for longer than is allowed."""
