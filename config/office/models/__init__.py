"""Tables of the office."""

from config.office.models.approval_request import ApprovalRequest
from config.office.models.audit_seal import AuditProgress, AuditSeal
from config.office.models.business_date import BusinessDate
from config.office.models.heartbeat import Heartbeat
from config.office.models.job_run import JobRun
from config.office.models.operation_event import OperationEvent

__all__ = ["ApprovalRequest", "AuditProgress", "AuditSeal", "BusinessDate", "Heartbeat", "JobRun", "OperationEvent"]
