"""Tables of the office."""

from config.office.models.approval_request import ApprovalRequest
from config.office.models.audit_seal import AuditProgress, AuditSeal
from config.office.models.business_date import BusinessDate
from config.office.models.document import Document
from config.office.models.heartbeat import Heartbeat
from config.office.models.job_run import JobRun
from config.office.models.list_export import ListExport
from config.office.models.note import Mention, Note
from config.office.models.operation_event import OperationEvent
from config.office.models.saved_view import SavedView
from config.office.models.task import Task, TaskReassignment

__all__ = [
    "ApprovalRequest",
    "AuditProgress",
    "AuditSeal",
    "BusinessDate",
    "Document",
    "Heartbeat",
    "JobRun",
    "ListExport",
    "Mention",
    "Note",
    "OperationEvent",
    "SavedView",
    "Task",
    "TaskReassignment",
]
