"""
Errors that name the fact.

A leaf module, so that every other one can import it.
Messages say what was wrong and what was allowed; for an event they give its coordinates, path and type, never a value.
"""

__all__ = [
    "ActionInvalid",
    "ActionUnknown",
    "BrokerUnavailable",
    "BuildFailed",
    "CafError",
    "ContractRefused",
    "CoverageInvalid",
    "CoverageUnknown",
    "DisclosureUnsafe",
    "FileTaken",
    "HoldUnknown",
    "ImportFileInvalid",
    "LakeConflict",
    "LakeUnavailable",
    "LineageUnknown",
    "LockTaken",
    "MachineUnfit",
    "MartsHeld",
    "NothingBuilt",
    "OracleMissing",
    "PartSilent",
    "PartsDisagree",
    "PortTaken",
    "PublicationInvalid",
    "PublishedFileInvalid",
    "RulesInvalid",
    "SettingInvalid",
    "SparkUnavailable",
    "StackFailed",
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
    """Base of every error a user can be shown as one sentence."""


class SettingInvalid(CafError):
    """An environment variable or option has a value that is not allowed."""


class UnknownTopic(CafError):
    """No contract is registered for a topic."""


class UnknownEventType(CafError):
    """No contract is registered for an event type."""


class BrokerUnavailable(CafError):
    """No Kafka broker answers at the configured address."""


class TopicsUnfit(CafError):
    """A topic is set up so that a promise would be broken."""


class RecordsDeleted(CafError):
    """Kafka deleted records before they were read."""


class LakeUnavailable(CafError):
    """The lake's catalog or data folder cannot be reached."""


class FileTaken(CafError):
    """A file that is to be made cannot be made there."""


class HoldUnknown(CafError):
    """A hold on the marts that is to be released does not stand."""


class CoverageInvalid(CafError):
    """A statement of coverage names a kind or a time that there is not."""


class CoverageUnknown(CafError):
    """A statement of coverage that is to be taken back does not stand."""


class PublicationInvalid(CafError):
    """Publication cannot begin with this quarter."""


class PublishedFileInvalid(CafError):
    """A file of published figures has no known layout, or something that is no figure in it."""


class ImportFileInvalid(CafError):
    """A file to be imported is not of its format, or ends early."""


class LakeConflict(CafError):
    """Another writer has already committed these offsets."""


class LineageUnknown(CafError):
    """Which columns a rule reads cannot be told from its SQL."""


class LockTaken(CafError):
    """Another process holds the lock that this one needs."""


class MachineUnfit(CafError):
    """The machine, or the folder of all state, lacks what the system needs to start."""


class ContractRefused(CafError):
    """The contract refuses an event that this system made itself."""


class NothingBuilt(CafError):
    """There are no marts yet."""


class DisclosureUnsafe(CafError):
    """Nothing can be published so that what is withheld cannot be worked out."""


class BuildFailed(CafError):
    """dbt could not build the marts, or a test of them failed."""


class MartsHeld(CafError):
    """A batch-level expectation failed: the marts wait, and their last good state stays."""


class PortTaken(CafError):
    """A port that a server needs is in use."""


class ActionInvalid(CafError):
    """What was to be said of an alert is not what the contract allows."""


class ActionUnknown(CafError):
    """Nothing was done with the alert that could be taken back."""


class AlertUnknown(CafError):
    """No alert has the id that was asked for."""


class OracleMissing(CafError):
    """Rules are to be compared with the oracle, which lies in the tests, and there are no tests here."""


class PolicyInvalid(CafError):
    """The sharing policy names what it may not, or cannot be read."""


class ReplayIncomplete(CafError):
    """Some records could not be sent again; the others were."""


class RouteInvalid(CafError):
    """A route has a value that its column does not allow."""


class RulesInvalid(CafError):
    """The alert rules cannot be compiled, or their register and models differ."""


class SparkUnavailable(CafError):
    """Spark, its Java or its master is not there."""


class StackFailed(CafError):
    """A server that the stack started did not become healthy or stopped."""


class ThresholdInvalid(CafError):
    """A threshold that is to be tried is not one of the rule's, or its value is not allowed."""


class UnknownMeasure(CafError):
    """No measure has that key."""


class UnknownRule(CafError):
    """No rule has that name."""


class SuiteInvalid(CafError):
    """Great Expectations cannot judge an expectation of a suite."""


class PartsDisagree(CafError):
    """Two things that must be equal differ (an offset without a row, a streamed alert without its rebuild)."""


class PartSilent(CafError):
    """A part does not do what it should."""


class WatchSilent(CafError):
    """The watcher has given no sign of life for longer than is allowed."""
